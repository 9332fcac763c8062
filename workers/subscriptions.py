"""Which fact makes which use case run: the map of the system.

A handler takes a fact's company and subject, opens its own transaction and can run twice without harm. One
that is marked `Together` takes the subjects of many facts of its kind at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from calltrack.attribution.service import attribute_call
from calltrack.audiences.marks import mark_calls, mark_changes, mark_persons
from calltrack.conversions import intake
from calltrack.conversions.service import classify_call, follow_person, judge_again
from calltrack.delivery.mailing import mail_notice
from calltrack.delivery.notices import review
from calltrack.delivery.plan import plan_changes
from calltrack.delivery.service import wake_destination
from calltrack.delivery.tallies import compare
from calltrack.journeys.service import link_person
from calltrack.wiring import Services

Handler = Callable[[Services, UUID, UUID], None]


@dataclass(frozen=True, slots=True)
class Together:
    """A handler for the facts of one kind and company at once: all of them succeed, or none."""

    many: Callable[[Services, UUID, Sequence[UUID]], None]

    def __call__(self, services: Services, company_id: UUID, subject_id: UUID) -> None:
        """Handle a single fact."""
        self.many(services, company_id, [subject_id])


Subscriptions = Mapping[str, tuple[Handler, ...]]


def attribute(services: Services, company_id: UUID, call_id: UUID) -> None:
    """Decide which visit made the call."""
    with services.db.tenant(company_id) as session:
        attribute_call(session, company_id, call_id, services.clock())


def link(services: Services, company_id: UUID, call_id: UUID) -> None:
    """Bind the call's caller and visitor to a person."""
    with services.db.tenant(company_id) as session:
        link_person(session, services.vault, company_id, call_id, services.clock())


def classify(services: Services, company_id: UUID, call_id: UUID) -> None:
    """Make the call a lead, or take its lead back."""
    with services.db.tenant(company_id) as session:
        classify_call(session, company_id, call_id, services.clock())


def follow(services: Services, company_id: UUID, person_id: UUID) -> None:
    """Let the calls of two joined persons be judged as one person's."""
    with services.db.tenant(company_id) as session:
        follow_person(session, company_id, person_id, services.clock())


def again(services: Services, company_id: UUID, version_id: UUID) -> None:
    """Judge the next past calls by a newly saved version of the rules."""
    with services.db.tenant(company_id) as session:
        judge_again(session, company_id, version_id, services.clock())


def take_up(services: Services, company_id: UUID, call_id: UUID) -> None:
    """Let outcomes count that were told before their call, or its visit, was known."""
    with services.db.tenant(company_id) as session:
        intake.retry_for_call(session, services.vault, company_id, call_id, services.clock())


SUBSCRIPTIONS: Subscriptions = {
    "call.started": (attribute,),
    "call.ended": (attribute, link, classify, take_up, Together(mark_calls)),
    "call.attributed": (take_up,),
    "person.merged": (follow, Together(mark_persons)),
    "rules.saved": (again,),
    "conversion.changed": (Together(plan_changes), Together(mark_changes)),
    "destination.changed": (wake_destination, review),
    "destination.paused": (review,),
    "notice.raised": (mail_notice,),
    "tally.due": (compare,),
}
