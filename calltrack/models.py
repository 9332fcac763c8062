"""Every table of every room, imported once so that the metadata is whole (migrations, tests)."""

from calltrack.accounts import model as accounts
from calltrack.attribution import link_model as phone_links
from calltrack.attribution import model as attribution
from calltrack.attribution import model_rows as attribution_models
from calltrack.audiences import model as audiences
from calltrack.automations import model as automations
from calltrack.budgets import model as budgets
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
from calltrack.journeys import joins_model as person_joins
from calltrack.journeys import model as journeys
from calltrack.journeys import rule_model as person_rules
from calltrack.messages import model as messages
from calltrack.numbers import model as numbers
from calltrack.numbers import order_model as number_orders
from calltrack.reports import credit_model as campaign_credit
from calltrack.reports import mail_model as report_mails
from calltrack.reports import model as reports
from calltrack.reports.credit import model as credit_paths
from calltrack.spend import detail_model as spend_details
from calltrack.spend import match_model as spend_matches
from calltrack.spend import model as spend
from calltrack.spend import typed_model as spend_typed
from calltrack.stages import event_model as segment_events
from calltrack.stages import model as stages
from calltrack.visits import model as visits

__all__ = [
    "Base",
    "accounts",
    "attribution",
    "attribution_models",
    "audiences",
    "automations",
    "budgets",
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
    "person_joins",
    "person_rules",
    "phone_links",
    "report_mails",
    "reports",
    "segment_events",
    "sign_ins",
    "spend",
    "spend_details",
    "spend_matches",
    "spend_typed",
    "stages",
    "visits",
]
