"""Every table of every room, imported once so that the metadata is whole (migrations, tests)."""

from calltrack.accounts import model as accounts
from calltrack.attribution import link_model as phone_links
from calltrack.attribution import model as attribution
from calltrack.attribution import model_rows as attribution_models
from calltrack.audiences import model as audiences
from calltrack.automations import model as automations
from calltrack.callflows import model as callflows
from calltrack.calls import keeping_model as kept_calls
from calltrack.calls import model as calls
from calltrack.calls.guard import model as guard
from calltrack.calls.outbound import model as outbound_calls
from calltrack.calls.people import model as people
from calltrack.conversions import model as conversions
from calltrack.conversions import sources_model as conversion_sources
from calltrack.delivery import model as delivery
from calltrack.delivery import sign_in_model as sign_ins
from calltrack.erasure import model as erasures
from calltrack.infra import outbox
from calltrack.infra.db import Base
from calltrack.journeys import model as journeys
from calltrack.messages import model as messages
from calltrack.numbers import model as numbers
from calltrack.numbers import order_model as number_orders
from calltrack.reports import credit_model as campaign_credit
from calltrack.reports.credit import model as credit_paths
from calltrack.spend import model as spend
from calltrack.visits import model as visits

__all__ = [
    "Base",
    "accounts",
    "attribution",
    "attribution_models",
    "audiences",
    "automations",
    "callflows",
    "calls",
    "campaign_credit",
    "conversion_sources",
    "conversions",
    "credit_paths",
    "delivery",
    "erasures",
    "guard",
    "journeys",
    "kept_calls",
    "messages",
    "number_orders",
    "numbers",
    "outbound_calls",
    "outbox",
    "people",
    "phone_links",
    "sign_ins",
    "spend",
    "visits",
]
