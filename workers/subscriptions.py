"""Which fact makes which use case run: the map of the system.

A handler takes a fact's company and subject, opens its own transaction and can run twice without harm. One
that is marked `Together` takes the subjects of many facts of its kind at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from calltrack.attribution.recrediting import credit_again
from calltrack.attribution.service import attribute_call
from calltrack.attribution.telling import hear_form, know_caller
from calltrack.audiences.marks import mark_calls, mark_changes, mark_persons
from calltrack.automations.follow_up import follow_call, follow_call_out
from calltrack.automations.forwarding_alert import tell_of_forwarding
from calltrack.automations.message_forwarding import forward_message
from calltrack.automations.segment_hook import wake_sender
from calltrack.automations.segment_mail import tell_entered
from calltrack.calls.checking import expect_end, expect_price
from calltrack.calls.guard.judging import judge_call
from calltrack.calls.live_transcripts import write_down
from calltrack.calls.local_transcripts import expect_transcript
from calltrack.calls.outbound import service as calls_out
from calltrack.calls.recording_keeping import take_in
from calltrack.conversions import intake
from calltrack.conversions.service import classify_call, correct_call, follow_person, judge_again
from calltrack.delivery.carrier_notices import review_carrier
from calltrack.delivery.mailing import mail_notice
from calltrack.delivery.notices import review
from calltrack.delivery.number_notices import review_numbers
from calltrack.delivery.plan import plan_changes
from calltrack.delivery.service import wake_destination
from calltrack.delivery.tallies import compare
from calltrack.delivery.withdrawals import hold_back_refused
from calltrack.journeys.service import link_again, link_email, link_person, link_typed
from calltrack.messages import service as messages
from calltrack.reports.credit.marking import mark_credit_of_calls, mark_credit_of_changes
from calltrack.reports.marking import count_calls, count_changes, count_visits
from calltrack.spend.accounts import wake_after_change
from calltrack.stages import marks as journeys
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


def know(services: Services, company_id: UUID, call_id: UUID) -> None:
    """Count the call's phone among the company's known ones."""
    with services.db.tenant(company_id) as session:
        know_caller(session, company_id, call_id)


def hear(services: Services, company_id: UUID, typed_id: UUID) -> None:
    """Let calls know whose phone was typed into a form."""
    with services.db.tenant(company_id) as session:
        hear_form(session, company_id, typed_id, services.clock())


def recredit(services: Services, company_id: UUID, after: UUID) -> None:
    """Credit the next verdicts by the company's thresholds of now."""
    with services.db.tenant(company_id) as session:
        credit_again(session, company_id, after, services.clock())


def mark_nuisance(services: Services, company_id: UUID, call_id: UUID) -> None:
    """Mark the call by what is known of its caller; what a person said stays."""
    with services.db.tenant(company_id) as session:
        judge_call(session, services.vault, company_id, call_id, services.clock())


def link(services: Services, company_id: UUID, call_id: UUID) -> None:
    """Bind the call's caller and visitor to a person."""
    with services.db.tenant(company_id) as session:
        link_person(session, services.vault, company_id, call_id, services.clock())


def relink(services: Services, company_id: UUID, call_id: UUID) -> None:
    """Bind an ended call that was judged otherwise to whom it is of now."""
    with services.db.tenant(company_id) as session:
        link_again(session, services.vault, company_id, call_id, services.clock())


def link_form(services: Services, company_id: UUID, typed_id: UUID) -> None:
    """Bind a visitor who typed a phone number into a form to the person who calls from it."""
    with services.db.tenant(company_id) as session:
        link_typed(session, services.vault, company_id, typed_id, services.clock())


def link_address(services: Services, company_id: UUID, typed_id: UUID) -> None:
    """Bind the visitors who typed one e-mail address to one person."""
    with services.db.tenant(company_id) as session:
        link_email(session, services.vault, company_id, typed_id, services.clock())


def classify(services: Services, company_id: UUID, call_id: UUID) -> None:
    """Make the call a lead, or take its lead back."""
    with services.db.tenant(company_id) as session:
        classify_call(session, company_id, call_id, services.clock())


def follow(services: Services, company_id: UUID, person_ids: Sequence[UUID]) -> None:
    """Let the calls of joined persons be judged as one's: once, however many somebody was joined with."""
    for person_id in person_ids:
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


def correct(services: Services, company_id: UUID, call_id: UUID) -> None:
    """Let destinations hear what a call that was judged anew is credited to."""
    with services.db.tenant(company_id) as session:
        correct_call(session, company_id, call_id, services.clock())


SUBSCRIPTIONS: Subscriptions = {
    "call.started": (attribute, know, mark_nuisance, expect_end, Together(count_calls)),
    "call.ended": (
        attribute,
        link,
        mark_nuisance,
        classify,
        take_up,
        Together(mark_calls),
        Together(journeys.mark_calls),
        Together(count_calls),
        expect_price,
        follow_call,
    ),
    "call.follows": (attribute,),
    "visit.named": (Together(count_visits),),
    "phone.typed": (hear, link_form, Together(journeys.mark_typed)),
    "email.typed": (link_address, Together(journeys.mark_typed)),
    "consent.withdrawn": (hold_back_refused,),
    "spam.told": (classify, follow_call, Together(journeys.mark_calls)),
    "call.tagged": (classify, Together(journeys.mark_calls)),
    "report.told": (calls_out.hear, messages.hear),
    "call_out.changed": (follow_call_out,),
    "message.received": (forward_message,),
    "forwarding.changed": (tell_of_forwarding,),
    "carrier.polled": (review_carrier,),
    "recording.ready": (take_in, expect_transcript),
    "transcript.heard": (write_down,),
    "transcript.made": (classify,),
    "call.attributed": (
        relink,
        take_up,
        Together(count_calls),
        Together(journeys.mark_calls),
        Together(mark_credit_of_calls),
    ),
    "call.corrected": (
        link,
        classify,
        take_up,
        correct,
        Together(count_calls),
        Together(journeys.mark_calls),
        Together(mark_credit_of_calls),
    ),
    "person.merged": (Together(follow), Together(mark_persons)),
    "rules.saved": (again,),
    "thresholds.moved": (recredit,),
    "conversion.changed": (
        Together(plan_changes),
        Together(mark_changes),
        Together(count_changes),
        Together(journeys.mark_changes),
        Together(mark_credit_of_changes),
    ),
    "destination.changed": (wake_destination, review, wake_after_change),
    "destination.paused": (review,),
    "notice.raised": (mail_notice,),
    "segment.entered": (tell_entered, wake_sender),
    "numbers.checked": (review_numbers,),
    "tally.due": (compare,),
}
