"""Numbers and pools: what is free, shown or resting now, and whether a pool ran dry."""

from flask import render_template
from flask.typing import ResponseReturnValue

from calltrack.accounts.queries import locations
from calltrack.dashboard.access import Here, page
from calltrack.kernel.money import Money
from calltrack.numbers import queries
from calltrack.wiring import Services


@page("/numbers", "viewer")
def numbers(services: Services, here: Here) -> ResponseReturnValue:
    """Show pools with their use and every tracking number."""
    company_id = here.company.id
    with services.db.tenant(company_id) as session:
        pools = queries.pools(session, company_id, here.now)
        rows = queries.numbers(session, company_id, here.now)
        branches = locations(session, company_id)
        orders = queries.orders(session, company_id)
        orphans = queries.orphans(session, company_id)
        look = queries.account_look(session, company_id)
    rents = [row.rent for row in rows if row.released_at is None]
    known = [rent for rent in rents if rent is not None]
    return render_template(
        "numbers.html",
        pools=pools,
        numbers=[row for row in rows if row.released_at is None],
        released=[row for row in rows if row.released_at is not None],
        locations=branches,
        ordered=[order for order in orders if order.is_open],
        orphans=orphans,
        look=look,
        repairable=sum(row.is_repairable for row in rows if row.released_at is None),
        beyond=sum(bool(row.findings) and not row.is_repairable for row in rows if row.released_at is None),
        rents=Money(sum(rent.minor for rent in known), known[0].currency) if known else None,
        rents_unknown=len(known) < len(rents),
    )
