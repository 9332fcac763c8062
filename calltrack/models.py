"""Every table of every room, imported once so that the metadata is whole (migrations, tests)."""

from calltrack.accounts import model as accounts
from calltrack.attribution import model as attribution
from calltrack.audiences import model as audiences
from calltrack.calls import model as calls
from calltrack.conversions import model as conversions
from calltrack.conversions import sources_model as conversion_sources
from calltrack.delivery import model as delivery
from calltrack.delivery import sign_in_model as sign_ins
from calltrack.infra import outbox
from calltrack.infra.db import Base
from calltrack.journeys import model as journeys
from calltrack.numbers import model as numbers
from calltrack.visits import model as visits

__all__ = [
    "Base",
    "accounts",
    "attribution",
    "audiences",
    "calls",
    "conversion_sources",
    "conversions",
    "delivery",
    "journeys",
    "numbers",
    "outbox",
    "sign_ins",
    "visits",
]
