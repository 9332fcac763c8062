"""Find and buy numbers: what is for sale, what it costs, what the law asks; orders and how they went."""

from collections.abc import Mapping, Sequence

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts.carrier import carrier_for, carrier_of
from calltrack.accounts.queries import locations
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.number_forms import use_choices, use_typed
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.kernel.errors import BadInput, CalltrackError
from calltrack.kernel.phone import pretty, to_e164
from calltrack.numbers import queries
from calltrack.numbers.application import default_hooks
from calltrack.numbers.market import TYPES, Offer, look_around, look_at, near_first, search_near, search_of
from calltrack.numbers.ordering import Wish, order_number
from calltrack.numbers.queries import PoolRow
from calltrack.numbers.rules import is_far
from calltrack.telephony.carrier import Carrier, CarrierError, Retry
from calltrack.wiring import Services

TYPE_WORDS = {
    "local": "Local (a town's prefix)",
    "toll_free": "Toll-free (the caller pays nothing)",
    "mobile": "Mobile",
    "national": "National (no town)",
}
MOST_AT_ONCE = 10


@page("/numbers/find", "manager")
def find_numbers(services: Services, here: Here) -> ResponseReturnValue:
    """Show the search, and what it found once somebody searched."""
    return _page(services, here, request.args)


@page("/numbers/find", "manager", ("POST",))
def order_numbers(services: Services, here: Here) -> ResponseReturnValue:
    """Order the chosen numbers: all of them, or none; a worker buys them within seconds."""
    form = typed("order")
    try:
        use = use_typed(form)
        with form.about("e164"):
            wanted = [to_e164(text) for text in dict.fromkeys(request.form.getlist("e164"))]
            if not 1 <= len(wanted) <= MOST_AT_ONCE:
                raise BadInput(f"Choose between one and {MOST_AT_ONCE} numbers.")
            search = search_of(form.text("country"), form.text("type"))
            offers = look_at(_carrier(services, here), wanted, search.country, search.type)
        with form.about("e164"), services.db.tenant(here.company.id) as session:
            for e164, offer in zip(wanted, offers, strict=True):
                wish = Wish(
                    e164=e164,
                    use=use,
                    hooks=default_hooks(services.settings),
                    address_sid=form.text("address_sid") or None,
                    bundle_sid=form.text("bundle_sid") or None,
                )
                order_number(session, here.company.id, wish, offer, here.now, by=here.who.email)
    except WrongForm:
        return _page(services, here, request.form, form), form.status
    except CarrierError as problem:
        form.problems["e164"] = f"Nothing was ordered. {problem.words}"
        return _page(services, here, request.form, form), 503 if isinstance(problem, Retry) else 409
    services.nudges.wake("provide_numbers", str(here.company.id))
    what = pretty(wanted[0]) if len(wanted) == 1 else f"{len(wanted)} numbers"
    flash(f"{what} ordered. Buying takes some seconds; this page says how it went.")
    return redirect(url_for("dashboard.number_orders", company_id=here.company.id), 303)


@page("/numbers/orders", "manager")
def number_orders(services: Services, here: Here) -> ResponseReturnValue:
    """Show what was ordered and what became of it; looks again by itself while something is open."""
    with services.db.tenant(here.company.id) as session:
        rows = queries.orders(session, here.company.id)
    return render_template("number_orders.html", orders=rows, is_open=any(row.is_open for row in rows))


def _page(services: Services, here: Here, asked: Mapping[str, str], form: Typed | None = None) -> str:
    company_id = here.company.id
    with services.db.tenant(company_id) as session:
        pools = queries.pools(session, company_id, here.now)
        branches = locations(session, company_id)
        connected = carrier_of(session, company_id)
    offer, problem, near = None, "", _near(pools, asked.get("use", ""))
    if connected is not None and branches and asked.get("country"):
        offer, problem = _offer(services, here, asked)
    return render_template(
        "number_find.html",
        carrier=connected,
        locations=branches,
        choices=use_choices(pools, branches),
        types=[(one, TYPE_WORDS[one]) for one in TYPES],
        asked=asked if asked.get("country") or not near else {**asked, **search_near(near[0])},
        near=[(one, search_near(one)) for one in near],
        far={one.e164 for one in offer.numbers if is_far(one.e164, near)} if offer else set(),
        offer=near_first(offer, near) if offer else None,
        problem=problem,
        form=form,
        chosen=request.form.getlist("e164"),
        most=MOST_AT_ONCE,
    )


def _offer(services: Services, here: Here, asked: Mapping[str, str]) -> tuple[Offer | None, str]:
    """Search, or say why not."""
    try:
        wanted = search_of(
            asked.get("country", ""),
            asked.get("type", "local"),
            contains=asked.get("contains", "")[:20],
            locality=asked.get("locality", ""),
            area_code=asked.get("area_code", ""),
            sms=bool(asked.get("sms")),
        )
        return look_around(_carrier(services, here), wanted), ""
    except CalltrackError as problem:
        return None, str(problem)


def _near(pools: Sequence[PoolRow], use: str) -> list[str]:
    """Return the beginnings that the pool prefers which the numbers are for."""
    return next((one.near for one in pools if use == f"pool:{one.id.hex}"), [])


def _carrier(services: Services, here: Here) -> Carrier:
    with services.db.tenant(here.company.id) as session:
        return carrier_for(session, services.vault, services.carriers, here.company.id)
