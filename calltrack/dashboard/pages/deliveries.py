"""The ledger: every delivery by any filter, its request and tries; send again, settle, export."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from calltrack.accounts import audit
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.pages.destinations import back_to_call
from calltrack.dashboard.periods import NAMES, day_span
from calltrack.delivery import by_hand, log, queries, tallies
from calltrack.delivery.by_hand import Replayed
from calltrack.delivery.export import csv_of
from calltrack.delivery.log import ACTIONS, KINDS, WANTED_STATES, DeliveryFilter
from calltrack.delivery.model import Delivery
from calltrack.delivery.notices import is_short
from calltrack.delivery.request import request_of
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.ids import parse_id
from calltrack.wiring import Services

FIELDS = ("destination", "kind", "action", "state", "code", "period", "since", "until", "text")
A_PAGE = 50
COMPARED_WITHIN = timedelta(days=3)
USUAL_DAYS = {"7d": 7, "30d": 30, "90d": 90, "12m": 366}


@page("/deliveries", "viewer")
def deliveries(services: Services, here: Here) -> ResponseReturnValue:
    """Show the deliveries that fit the filters in the address, newest first, counted by state."""
    asked = _asked(request.args)
    problem, counts, following = "", log.Counts(), None
    rows: tuple[queries.DeliveryRow, ...] = ()
    with services.db.tenant(here.company.id) as session:
        places = queries.names_of(session, here.company.id)
        compared = tallies.newest(session, here.company.id, (here.now - COMPARED_WITHIN).date())
        try:
            wanted = read_filter(request.args, here)
            before = parse_id(request.args["before"]) if request.args.get("before") else None
            found = log.find(session, here.company.id, wanted, before, A_PAGE + 1)
            counts = log.count(session, here.company.id, wanted)
            rows, following = found[:A_PAGE], found[A_PAGE - 1].id if len(found) > A_PAGE else None
        except BadInput as refused:
            problem = str(refused)
    return render_template(
        "deliveries.html",
        rows=rows,
        counts=counts,
        problem=problem,
        next=following,
        is_first=not request.args.get("before"),
        asked=asked,
        used={name: value for name, value in asked.items() if value},
        states=WANTED_STATES,
        kinds=KINDS,
        actions=ACTIONS,
        periods=NAMES,
        destinations=places,
        compared=compared,
        is_short=is_short,
        may_replay=_may_replay(asked),
    ), 400 if problem else 200


@page("/deliveries.csv", "viewer")
def export_deliveries(services: Services, here: Here) -> ResponseReturnValue:
    """Stream the deliveries that fit the filters as CSV."""
    wanted = read_filter(request.args, here)
    with services.db.tenant(here.company.id) as session:
        audit.note(
            session, here.company.id, here.who.email, "delivery.exported", "csv", here.now,
            filters=wanted.in_words(),
        )  # fmt: skip
    title = f"Deliveries of {here.company.name}"
    answer = Response(
        csv_of(services.db, here.company.id, wanted, title, here.now), mimetype="text/csv; charset=utf-8"
    )
    answer.headers["Content-Disposition"] = f"attachment; filename=deliveries-{here.now:%Y-%m-%d}.csv"
    return answer


@page("/deliveries/replay", "manager", ("POST",))
def replay_deliveries(services: Services, here: Here) -> ResponseReturnValue:
    """Send chosen deliveries again, or all failed ones of a filter, once the effect was confirmed."""
    is_all = request.form.get("all") == "yes"
    chosen = [] if is_all else [parse_id(text) for text in request.form.getlist("id")[: by_hand.MOST]]
    wanted = read_filter(request.form, here)
    used = {name: value for name, value in _asked(request.form).items() if value}
    target = f"{url_for('dashboard.deliveries', company_id=here.company.id)}?{urlencode(used)}"
    if not chosen and not is_all:
        flash("Nothing was sent again: choose deliveries first.")
        return redirect(target, 303)
    if request.form.get("sure") != "yes":
        with services.db.tenant(here.company.id) as session:
            narrowed = by_hand.failed_of(wanted) if not chosen else wanted
            counts = log.count_of(session, here.company.id, narrowed, chosen)
            stuck = log.stuck_of(session, here.company.id, narrowed, chosen)
        return render_template(
            "replay.html", counts=counts, stuck=stuck, chosen=chosen, used=used, back=target,
            most=by_hand.MOST_AT_ONCE,
        )  # fmt: skip
    if chosen:
        with services.db.tenant(here.company.id) as session:
            done = by_hand.replay(
                session, services.vault, here.company.id, chosen, here.now, by=here.who.email
            )
    else:
        done = by_hand.replay_all(services, here.company.id, wanted, by=here.who.email)
    services.nudges.wake("handle_facts", str(here.company.id))
    flash(_said(done))
    return redirect(target, 303)


@page("/deliveries/<id:delivery_id>", "viewer")
def delivery(services: Services, here: Here, delivery_id: UUID) -> ResponseReturnValue:
    """Show one delivery: the verdict before sending, the exact request, every try, and what came back."""
    with services.db.tenant(here.company.id) as session:
        found = queries.parcel(session, here.company.id, delivery_id)
        if found is None:
            abort(404)
        shown = request_of(session, services.vault, here.company.id, delivery_id, here.now)
    if shown is not None:
        shown = replace(shown, body=_pretty(shown.body))
    return render_template("delivery.html", parcel=found, shown=shown)


@page("/deliveries/<id:delivery_id>/replay", "manager", ("POST",))
def replay_delivery(services: Services, here: Here, delivery_id: UUID) -> ResponseReturnValue:
    """Send one delivery again, or have it judged again if it was kept back."""
    return _replay(services, here, delivery_id)


@page("/deliveries/<id:delivery_id>/settle", "manager", ("POST",))
def settle_delivery(services: Services, here: Here, delivery_id: UUID) -> ResponseReturnValue:
    """Take a person's word on a delivery nobody knows about: it arrived, or it is to be sent again."""
    arrived = request.form.get("arrived", "")
    if arrived not in ("yes", "no"):
        raise BadInput("Say whether it arrived: yes or no.")
    if arrived == "no":
        return _replay(services, here, delivery_id)
    with services.db.tenant(here.company.id) as session:
        by_hand.settle(session, here.company.id, delivery_id, here.now, by=here.who.email)
    services.nudges.wake("handle_facts", str(here.company.id))
    flash("Marked as arrived.")
    return back_to_call(here, _address(here, delivery_id))


def read_filter(args: MultiDict[str, str], here: Here) -> DeliveryFilter:
    """Read the filters of an address or a form; without a period the last 30 days, `period=all` for all.

    Raises:
        BadInput: a filter is none.
    """
    since, until = day_span(args.get("since", ""), args.get("until", ""), here.company.timezone)
    if since is None and until is None and args.get("period", "") != "all":
        days = USUAL_DAYS.get(args.get("period", ""), USUAL_DAYS["30d"])
        since = here.now.replace(minute=0, second=0, microsecond=0) - timedelta(days=days)
    return DeliveryFilter(
        destination_id=parse_id(args["destination"]) if args.get("destination") else None,
        kind=args.get("kind", ""),
        action=args.get("action", ""),
        state=args.get("state", ""),
        code=args.get("code", "").strip().upper(),
        since=since,
        until=until,
        text=args.get("text", "").strip(),
    )


def _asked(args: MultiDict[str, str]) -> dict[str, str]:
    return {name: args.get(name, "").strip() for name in FIELDS}


def _may_replay(asked: dict[str, str]) -> bool:
    return asked["state"] in ("", "failed", "withheld", *log.FAILED)


def _replay(services: Services, here: Here, delivery_id: UUID) -> ResponseReturnValue:
    with services.db.tenant(here.company.id) as session:
        if session.get(Delivery, (here.company.id, delivery_id)) is None:
            raise NotFound("There is no such delivery.")
        done = by_hand.replay(
            session, services.vault, here.company.id, [delivery_id], here.now, by=here.who.email
        )
    services.nudges.wake("handle_facts", str(here.company.id))
    flash(_said(done))
    return back_to_call(here, _address(here, delivery_id))


def _address(here: Here, delivery_id: UUID) -> str:
    return url_for("dashboard.delivery", company_id=here.company.id, delivery_id=delivery_id)


def _said(done: Replayed) -> str:
    sent = f"{done.sent} deliver{'y is' if done.sent == 1 else 'ies are'} sent again now."
    left = "; ".join(
        f"{number} {'was' if number == 1 else 'were'} left: {'it ' if number == 1 else 'each '}{reason}"
        for reason, number in done.left.items()
    )
    if not done.sent:
        sent = "Nothing was sent again."
    return f"{sent} {left}.".strip() if left else sent


def _pretty(body: str) -> str:
    try:
        parsed: Any = json.loads(body)
    except ValueError:
        return body
    return json.dumps(parsed, indent=2, ensure_ascii=False)
