"""The bar of notices on every page of a company, and where each of them leads."""

from uuid import UUID

from flask import g, url_for

from calltrack.dashboard.access import parts
from calltrack.delivery.notices import NoticeRow, open_notices


def notice_url(one: NoticeRow) -> str:
    """Return the page on which a notice is dealt with."""
    here = g.here
    if one.kind == "audience.paused":
        return url_for("dashboard.audience", company_id=here.company.id, audience_id=UUID(one.subject))
    if one.kind == "spend.paused":
        return url_for("dashboard.spend", company_id=here.company.id)
    if one.kind in ("number.unfit", "number.flawed", "number.printed") and here.may("manager"):
        return url_for("dashboard.number", company_id=here.company.id, number_id=UUID(one.subject))
    if one.kind.startswith("number."):
        return url_for("dashboard.numbers", company_id=here.company.id)
    if one.kind.startswith("carrier."):
        page = "dashboard.carrier" if here.may("owner") else "dashboard.notices"
        return url_for(page, company_id=here.company.id)
    if one.kind == "calls.missed":
        return url_for("dashboard.calls", company_id=here.company.id, outcome="waiting")
    if one.kind == "segment.filled":
        return url_for("dashboard.persons", company_id=here.company.id, segment=one.subject)
    if one.kind == "forwarding.changed":
        return url_for("dashboard.locations", company_id=here.company.id)
    if one.kind in ("budget.over", "budget.under"):
        return url_for("dashboard.pacing", company_id=here.company.id)
    if one.kind in ("caps.near", "caps.reached"):
        return url_for("dashboard.protection", company_id=here.company.id)
    if one.kind in ("delivery.unknown", "delivery.window"):
        state = "unknown" if one.kind == "delivery.unknown" else ""
        return url_for(
            "dashboard.deliveries", company_id=here.company.id, destination=one.subject, state=state or None,
            period="all",
        )  # fmt: skip
    if one.kind == "sign_in.expiring" and here.may("owner"):
        return url_for(
            "dashboard.destination_settings", company_id=here.company.id, destination_id=one.destination_id
        )
    return url_for("dashboard.destination", company_id=here.company.id, destination_id=one.destination_id)


def standing_notices() -> tuple[NoticeRow, ...]:
    """Return what stands at the company whose page is drawn; nothing outside companies."""
    here = g.get("here")
    if here is None:
        return ()
    with parts().db.tenant(here.company.id) as session:
        return open_notices(session, here.company.id)
