"""The jobs that nudges ask for: an id and a call each. `install` hands them the process's parts once.

A job only hands its work over to a lane and returns: RQ's loop is free for the next one at once.
"""

import threading
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import redis

from calltrack.attribution.calibrating import calibrate_due
from calltrack.attribution.judging_anew import go_on
from calltrack.attribution.lessons import learn_due
from calltrack.audiences.keeping import keep
from calltrack.audiences.telling import tell_due
from calltrack.automations.doing import do_due
from calltrack.automations.segment_hook import send_entered
from calltrack.budgets.checking import check_due as check_budgets_due
from calltrack.budgets.looking_up import look_up_due
from calltrack.budgets.night import advise_due
from calltrack.calls.checking import check_due
from calltrack.calls.local_transcripts import transcribe_due
from calltrack.calls.outbound.service import look_due
from calltrack.calls.polling import poll as poll_list
from calltrack.calls.recording_keeping import keep_due
from calltrack.conversions import intake
from calltrack.conversions.import_run import work_on
from calltrack.delivery import notices
from calltrack.delivery.courier import door_of
from calltrack.delivery.service import deliver_due, poll_due
from calltrack.erasure.service import erase_due
from calltrack.infra.log import log
from calltrack.infra.queue import silence_key
from calltrack.installation.service import read_due
from calltrack.journeys.rule_work import join_by_rules
from calltrack.messages.sending import send_due
from calltrack.numbers.buying import buy_due
from calltrack.numbers.keeping import check_numbers as compare_numbers
from calltrack.numbers.leaving import leave_due
from calltrack.numbers.surveying import survey
from calltrack.reports.credit.counting import count_credit_due
from calltrack.reports.keeping import keep_reports as count_days
from calltrack.reports.mailing import mail_next
from calltrack.spend.matching import match_due
from calltrack.spend.reading import read_account
from calltrack.stages.keeping import keep_journeys as keep_their_journeys
from calltrack.stages.keeping import make_past_again
from calltrack.wiring import Services
from workers import facts
from workers.due import Job
from workers.lanes import Lanes
from workers.subscriptions import SUBSCRIPTIONS, Subscriptions

# Lanes mostly wait for platforms; facts have lanes of their own, so neither delays the other.
DELIVERY_LANES: Final = 12
FACT_LANES: Final = 2
# These wait for carriers and for the disk.
CALL_LANES: Final = 3
CALL_JOBS: Final = (
    "poll_calls", "check_calls", "keep_recordings", "provide_numbers", "check_numbers", "survey_numbers",
    "automate", "look_at_calls", "send_messages", "erase_persons", "look_at_pages",
    "keep_journeys",
    "look_at_budgets", "tell_webhooks",
)  # fmt: skip


def look_at_due_pages(services: Services, company_id: UUID) -> int:
    """Read the pages whose installation somebody wants checked."""
    return read_due(services, door_of(services), company_id)


def look_at_due_budgets(services: Services, company_id: UUID) -> int:
    """Check changes of budgets that people ask for, and look up those no answer came to."""
    return check_budgets_due(services, company_id) + look_up_due(services, company_id)


UNTIL_DONE: Final = {
    "automate": do_due,
    "look_at_calls": look_due,
    "send_messages": send_due,
    "erase_persons": erase_due,
    "look_at_pages": look_at_due_pages,
    "match_spend": match_due,
    "mail_reports": mail_next,
    "look_at_budgets": look_at_due_budgets,
    "tell_webhooks": send_entered,
}
# Speech becomes text on this machine's processor: one at a time.
SPEECH_LANES: Final = 1
# Lessons take a core each, and nobody waits for them: one at a time.
QUIET_LANES: Final = 1
QUIET_JOBS: Final = {
    "learn_model": learn_due,
    "calibrate_model": calibrate_due,
    "advise_budget": advise_due,
    "count_credit": count_credit_due,
}
# Days of reports are counted one at a time.
REPORT_LANES: Final = 1
# What all lanes, the sweep and the loop may hold at once (as many again in a rush).
POOL_SIZE: Final = 8


@dataclass(frozen=True)
class Parts:
    """What the jobs of this process work with; `stop` asks a long job to end early."""

    services: Services
    subscriptions: Subscriptions = field(default_factory=lambda: SUBSCRIPTIONS)
    stop: threading.Event = field(default_factory=threading.Event)
    deliveries: Lanes = field(init=False)
    facts: Lanes = field(init=False)
    calls: Lanes = field(init=False)
    speech: Lanes = field(init=False)
    quiet: Lanes = field(init=False)
    reports: Lanes = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the lanes."""
        object.__setattr__(self, "deliveries", Lanes("deliveries", DELIVERY_LANES, self.run, self.stop))
        object.__setattr__(self, "facts", Lanes("facts", FACT_LANES, self.run, self.stop))
        object.__setattr__(self, "calls", Lanes("calls", CALL_LANES, self.run, self.stop))
        object.__setattr__(self, "speech", Lanes("speech", SPEECH_LANES, self.run, self.stop))
        object.__setattr__(self, "quiet", Lanes("quiet", QUIET_LANES, self.run, self.stop))
        object.__setattr__(self, "reports", Lanes("reports", REPORT_LANES, self.run, self.stop))

    def hand_over(self, job: Job) -> bool:
        """Give a job to its lanes; False: it waits there already."""
        return self._lanes_of(job).hand_over(job)

    def is_busy_with(self, job: Job) -> bool:
        """Say whether this process does the job already, or is about to."""
        return self._lanes_of(job).is_busy_with(job)

    def run(self, job: Job) -> None:
        """Carry out a job in this thread."""
        name, company_id, *rest = job

        def again() -> bool:
            return self.hand_over(job)

        if name == "deliver":
            deliver_due(self.services, UUID(company_id), UUID(rest[0]), stop=self.stop, again=again)
        elif name == "poll":
            poll_due(self.services, UUID(company_id), UUID(rest[0]), stop=self.stop, again=again)
        elif name == "poll_calls":
            poll_list(self.services, UUID(company_id), UUID(rest[0]))
        elif name == "check_calls":
            if check_due(self.services, UUID(company_id)):
                again()
        elif name == "keep_recordings":
            if keep_due(self.services, UUID(company_id)):
                again()
        elif name in UNTIL_DONE:
            if UNTIL_DONE[name](self.services, UUID(company_id)):
                again()
        elif name == "judge_anew":
            if go_on(self.services, UUID(company_id), UUID(rest[0]), self.stop):
                again()
        elif name == "read_spend":
            read_account(self.services, UUID(company_id), UUID(rest[0]))
        elif name in QUIET_JOBS:
            QUIET_JOBS[name](self.services, UUID(company_id))
        elif name == "keep_journeys":
            if keep_their_journeys(self.services, UUID(company_id), stop=self.stop).is_more:
                again()
        elif name == "make_journeys_again":
            if make_past_again(self.services, UUID(company_id), stop=self.stop).is_more:
                again()
        elif name == "join_persons":
            if join_by_rules(self.services, UUID(company_id), self.stop):
                again()
        elif name == "keep_reports":
            if count_days(self.services, UUID(company_id), self.stop):
                again()
        elif name == "transcribe":
            if transcribe_due(self.services, UUID(company_id)):
                again()
        elif name == "provide_numbers":
            buy_due(self.services, UUID(company_id))
            leave_due(self.services, UUID(company_id))
        elif name == "check_numbers":
            compare_numbers(self.services, UUID(company_id))
        elif name == "survey_numbers":
            survey(self.services, UUID(company_id))
        elif name == "match_outcomes":
            self._match_outcomes(UUID(company_id))
        elif name == "import_outcomes":
            self._import_outcomes(UUID(company_id), UUID(rest[0]))
        elif name == "review":
            notices.review(self.services, UUID(company_id))
        elif name == "keep_audiences":
            keep(self.services, UUID(company_id), stop=self.stop)
        elif name == "tell_audience":
            tell_due(self.services, UUID(company_id), UUID(rest[0]), stop=self.stop, again=again)
        elif facts.drain(self.services, self.subscriptions, UUID(company_id), self.stop, again=again):
            self.services.nudges.show(company_id)

    def _match_outcomes(self, company_id: UUID) -> None:
        found = 1
        while found and not self.stop.is_set():
            with self.services.db.tenant(company_id) as session:
                found = intake.retry_due(session, self.services.vault, company_id, self.services.clock())
        self.services.nudges.wake("handle_facts", str(company_id))

    def _import_outcomes(self, company_id: UUID, import_id: UUID) -> None:
        done = work_on(self.services, company_id, import_id, self.stop)
        self.services.nudges.wake("handle_facts", str(company_id))
        if not done:
            self.services.nudges.wake("import_outcomes", str(company_id), str(import_id))

    def _lanes_of(self, job: Job) -> Lanes:
        if job[0] in CALL_JOBS:
            return self.calls
        if job[0] == "transcribe":
            return self.speech
        if job[0] in QUIET_JOBS or job[0] in ("judge_anew", "make_journeys_again", "join_persons"):
            return self.quiet
        if job[0] == "keep_reports":
            return self.reports
        # A slow mail server must not hold up the text messages of the same company.
        if job[0] in ("deliver", "poll", "tell_audience", "read_spend", "mail_reports"):
            return self.deliveries
        return self.facts


_installed: list[Parts] = []


def install(parts: Parts) -> None:
    """Set the parts all jobs of this process work with."""
    _installed[:] = [parts]


def handle_facts(company_id: str) -> None:
    """Handle the company's due facts."""
    _begin("handle_facts", company_id)


def deliver(company_id: str, destination_id: str) -> None:
    """Send what is due to one destination."""
    _begin("deliver", company_id, destination_id)


def poll(company_id: str, destination_id: str) -> None:
    """Ask one destination for the verdicts that are due."""
    _begin("poll", company_id, destination_id)


def poll_calls(company_id: str, account_id: str) -> None:
    """Read the list of calls of one carrier account."""
    _begin("poll_calls", company_id, account_id)


def check_calls(company_id: str) -> None:
    """Ask the carrier about calls without an end or a price."""
    _begin("check_calls", company_id)


def keep_recordings(company_id: str) -> None:
    """Copy and delete recordings that are due."""
    _begin("keep_recordings", company_id)


def automate(company_id: str) -> None:
    """Do the automatic steps that are due."""
    _begin("automate", company_id)


def look_at_calls(company_id: str) -> None:
    """Ask the carrier about begun calls whose reports were lost."""
    _begin("look_at_calls", company_id)


def send_messages(company_id: str) -> None:
    """Send the text messages that are due."""
    _begin("send_messages", company_id)


def erase_persons(company_id: str) -> None:
    """Go on with the erasures that are due."""
    _begin("erase_persons", company_id)


def learn_model(company_id: str) -> None:
    """Learn the company's attribution model from its last weeks."""
    _begin("learn_model", company_id)


def calibrate_model(company_id: str) -> None:
    """Compare what was said of last week's calls with what became known of them."""
    _begin("calibrate_model", company_id)


def advise_budget(company_id: str) -> None:
    """Make the company's budget advice and look back on past ones."""
    _begin("advise_budget", company_id)


def look_at_budgets(company_id: str) -> None:
    """Check changes of budgets, and look up what became of those that no answer came to."""
    _begin("look_at_budgets", company_id)


def tell_webhooks(company_id: str) -> None:
    """Send webhooks who entered segments."""
    _begin("tell_webhooks", company_id)


def count_credit(company_id: str) -> None:
    """Count the paths of the days that changed, for credit over many touches."""
    _begin("count_credit", company_id)


def judge_anew(company_id: str, rejudging_id: str) -> None:
    """Go on judging past calls anew."""
    _begin("judge_anew", company_id, rejudging_id)


def look_at_pages(company_id: str) -> None:
    """Read the pages whose installation is to be checked."""
    _begin("look_at_pages", company_id)


def keep_journeys(company_id: str) -> None:
    """Bring the company's journeys in line with what was stored since."""
    _begin("keep_journeys", company_id)


def make_journeys_again(company_id: str) -> None:
    """Go on making the company's past journeys again."""
    _begin("make_journeys_again", company_id)


def join_persons(company_id: str) -> None:
    """Join the company's persons as a version of its rules says, or take them apart again."""
    _begin("join_persons", company_id)


def keep_reports(company_id: str) -> None:
    """Count the company's days whose figures changed."""
    _begin("keep_reports", company_id)


def mail_reports(company_id: str) -> None:
    """Send the company's next due report by e-mail."""
    _begin("mail_reports", company_id)


def transcribe(company_id: str) -> None:
    """Make the next transcript of a recording."""
    _begin("transcribe", company_id)


def provide_numbers(company_id: str) -> None:
    """Buy the numbers that were ordered, give back those that are to go."""
    _begin("provide_numbers", company_id)


def check_numbers(company_id: str) -> None:
    """Compare the company's numbers with the carrier's list."""
    _begin("check_numbers", company_id)


def survey_numbers(company_id: str) -> None:
    """Look for numbers the carrier bills and nobody answers."""
    _begin("survey_numbers", company_id)


def match_outcomes(company_id: str) -> None:
    """Try kept outcomes again whose time has come."""
    _begin("match_outcomes", company_id)


def import_outcomes(company_id: str, import_id: str) -> None:
    """Go on with a file of outcomes."""
    _begin("import_outcomes", company_id, import_id)


def review(company_id: str) -> None:
    """Look at the company's destinations for what needs somebody."""
    _begin("review", company_id)


def read_spend(company_id: str, account_id: str) -> None:
    """Read what one ad account spent."""
    _begin("read_spend", company_id, account_id)


def match_spend(company_id: str) -> None:
    """Match the company's campaigns with its visits."""
    _begin("match_spend", company_id)


def keep_audiences(company_id: str) -> None:
    """Bring the company's audiences in line with their conditions."""
    _begin("keep_audiences", company_id)


def tell_audience(company_id: str, place_id: str) -> None:
    """Tell one customer list who joins and who leaves."""
    _begin("tell_audience", company_id, place_id)


def _begin(*job: str) -> None:
    """End the silence first: what becomes due while the job runs must be able to ask for another one."""
    parts = _installed[0]
    try:
        parts.services.nudges.connection.delete(silence_key(*job))
    except redis.RedisError as problem:
        log.warning("Redis is unwell; the silence of %s ends by itself: %s", job[0], problem)
    parts.hand_over(job)
