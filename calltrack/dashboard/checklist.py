"""What a company still lacks before a call is tracked, in the order in which it is done."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.accounts.rules import Role

_STANDING = text(
    """
    SELECT (SELECT count(*) FROM location WHERE company_id = :company_id) AS locations,
           EXISTS (SELECT FROM carrier_account WHERE company_id = :company_id) AS has_carrier,
           (SELECT count(*) FROM tracking_number
            WHERE company_id = :company_id AND released_at IS NULL) AS numbers,
           EXISTS (SELECT FROM site WHERE company_id = :company_id) AS has_site,
           EXISTS (SELECT FROM site_target WHERE company_id = :company_id) AS has_target,
           EXISTS (SELECT FROM visit WHERE company_id = :company_id) AS has_visit,
           EXISTS (SELECT FROM call WHERE company_id = :company_id) AS has_call,
           (SELECT count(*) FROM destination
            WHERE company_id = :company_id AND status <> 'removed') AS destinations,
           EXISTS (SELECT FROM delivery
                   WHERE company_id = :company_id AND state = 'confirmed') AS has_arrived
    """
)


@dataclass(frozen=True)
class Standing:
    """What a company has."""

    locations: int
    has_carrier: bool
    numbers: int
    has_site: bool
    has_target: bool
    has_visit: bool
    has_call: bool
    destinations: int
    has_arrived: bool


@dataclass(frozen=True)
class Step:
    """One step of the set-up: whether it is done, how it stands, and the page where it is done."""

    name: str
    is_done: bool
    how: str
    page: str
    words: str
    needs: Role = "manager"


def standing(session: Session, company_id: UUID) -> Standing:
    """Return what the company has."""
    return Standing(*session.execute(_STANDING, {"company_id": company_id}).one())


def steps(has: Standing) -> tuple[Step, ...]:
    """Return the steps in order."""
    return (
        Step(
            "Locations",
            has.locations > 0,
            _count(has.locations, "location")
            if has.locations
            else "Each branch and the phone that rings there.",
            "locations",
            "Locations",
            "manager" if has.locations else "owner",
        ),
        Step(
            "Carrier",
            has.has_carrier,
            "A Twilio account is connected." if has.has_carrier else "Connect your own Twilio account.",
            "carrier",
            "Carrier",
            "owner",
        ),
        Step(
            "Numbers",
            has.numbers > 0,
            f"{_count(has.numbers, 'number')} in use; Twilio must know the addresses of each."
            if has.numbers
            else "Add numbers you own, and paste their addresses into Twilio's console.",
            "number_setup",
            "Set up numbers",
        ),
        Step("Website", has.has_target and has.has_visit, _website(has), "sites", "Websites"),
        Step(
            "First call",
            has.has_call,
            "Calls come in." if has.has_call else "Call one of your numbers and watch it appear.",
            "live",
            "Live calls",
        ),
        Step(
            "Destination",
            has.destinations > 0,
            f"{_count(has.destinations, 'destination')} connected."
            if has.destinations
            else "Where leads and purchases are sent: Google Ads, or your own systems by webhook.",
            "destinations" if has.destinations else "connect",
            "Destinations" if has.destinations else "Connect one",
            "manager" if has.destinations else "owner",
        ),
        Step("First delivery", has.has_arrived, _arrived(has), "deliveries", "Deliveries"),
    )


def _arrived(has: Standing) -> str:
    if has.has_arrived:
        return "A destination has confirmed a lead or purchase."
    if not has.destinations:
        return "Comes by itself once a destination is connected and a call is a lead."
    return "No destination has confirmed one yet: it comes by itself after the first lead; see what they say."


def _website(has: Standing) -> str:
    if not has.has_site:
        return "Add your website, say which number it writes, and copy its tag into the pages."
    if not has.has_target:
        return "No number on the website is replaced yet: say which, and by which pool."
    if not has.has_visit:
        return "The tag was not seen yet: copy it into the pages, then check the installation."
    return "The tag was seen, and numbers are replaced."


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
