"""What is due in all companies, as jobs to run: asked by the clock, and by workers when Redis is silent."""

from datetime import datetime

from sqlalchemy.orm import Session

from calltrack.attribution.judging_anew import due_judgings
from calltrack.attribution.night_work import due_night_work
from calltrack.audiences.telling import due_audiences
from calltrack.automations.doing import companies_to_automate
from calltrack.automations.segment_hook import companies_to_tell
from calltrack.budgets.looking_up import companies_to_look as companies_with_changes
from calltrack.budgets.night import companies_to_advise
from calltrack.calls.checking import companies_to_check
from calltrack.calls.local_transcripts import companies_to_transcribe
from calltrack.calls.outbound.service import companies_to_look
from calltrack.calls.polling import accounts_to_poll
from calltrack.calls.recording_keeping import companies_to_keep
from calltrack.conversions.imports import companies_with_due_imports
from calltrack.conversions.inbox import companies_with_due_outcomes
from calltrack.delivery.service import due_destinations
from calltrack.erasure.service import companies_to_erase
from calltrack.infra import outbox
from calltrack.installation.service import companies_to_read
from calltrack.journeys.rule_work import companies_to_join
from calltrack.messages.sending import companies_to_send
from calltrack.numbers.buying import companies_with_due_orders
from calltrack.numbers.leaving import companies_with_leaving
from calltrack.reports.credit.counting import companies_with_due_credit
from calltrack.reports.keeping import companies_to_count
from calltrack.reports.mailing import companies_to_mail
from calltrack.spend.look import accounts_to_read
from calltrack.spend.matching import companies_to_match
from calltrack.stages.keeping import companies_to_keep as companies_with_journeys
from calltrack.stages.keeping import companies_to_make_again

Job = tuple[str, ...]
NIGHT_JOBS = {"lesson": "learn_model", "calibration": "calibrate_model"}


def due_jobs(system: Session, due_before: datetime) -> list[Job]:
    """Return a job (its name in `workers.jobs`, its ids) for everything that was due at that moment."""
    facts: list[Job] = [
        ("handle_facts", str(company_id))
        for company_id in outbox.companies_with_due_facts(system, due_before)
    ]
    deliveries: list[Job] = [
        ("poll" if is_poll else "deliver", str(company_id), str(destination_id))
        for company_id, destination_id, is_poll in due_destinations(system, due_before)
    ]
    outcomes: list[Job] = [
        ("match_outcomes", str(company_id)) for company_id in companies_with_due_outcomes(system, due_before)
    ]
    files: list[Job] = [
        ("import_outcomes", str(company_id), str(import_id))
        for company_id, import_id in companies_with_due_imports(system, due_before)
    ]
    return (
        facts
        + deliveries
        + outcomes
        + files
        + _of_calls(system, due_before)
        + _of_numbers(system, due_before)
        + due_audiences(system, due_before)
        + _of_attribution(system, due_before)
        + _of_spend(system, due_before)
        + _of_reports(system, due_before)
        + _of_budgets(system, due_before)
        + [("count_credit", str(company_id)) for company_id in companies_with_due_credit(system, due_before)]
    )


def _of_calls(system: Session, due_before: datetime) -> list[Job]:
    """Return the jobs about calls: ask the carrier, keep recordings, follow up; of pages and persons."""
    asked = {
        "check_calls": companies_to_check,
        "keep_recordings": companies_to_keep,
        "transcribe": companies_to_transcribe,
        "automate": companies_to_automate,
        "tell_webhooks": companies_to_tell,
        "look_at_calls": companies_to_look,
        "send_messages": companies_to_send,
        "erase_persons": companies_to_erase,
        "look_at_pages": companies_to_read,
        "keep_journeys": companies_with_journeys,
        "make_journeys_again": companies_to_make_again,
        "join_persons": companies_to_join,
    }
    lists: list[Job] = [
        ("poll_calls", str(company_id), str(account_id))
        for company_id, account_id in accounts_to_poll(system, due_before)
    ]
    return lists + [
        (name, str(company_id)) for name, find in asked.items() for company_id in find(system, due_before)
    ]


def _of_attribution(system: Session, due_before: datetime) -> list[Job]:
    """Return the lessons and calibrations that are due, and past calls to be judged anew."""
    nights: list[Job] = [
        (NIGHT_JOBS[kind], str(company_id)) for kind, company_id in due_night_work(system, due_before)
    ]
    return nights + [
        ("judge_anew", str(company_id), str(id_)) for company_id, id_ in due_judgings(system, due_before)
    ]


def _of_spend(system: Session, due_before: datetime) -> list[Job]:
    """Return the ad accounts to be read, and the companies whose campaigns are to be matched."""
    accounts: list[Job] = [
        ("read_spend", str(company_id), str(account_id))
        for company_id, account_id in accounts_to_read(system, due_before)
    ]
    return accounts + [
        ("match_spend", str(company_id)) for company_id in companies_to_match(system, due_before)
    ]


def _of_reports(system: Session, due_before: datetime) -> list[Job]:
    """Return the jobs about reports: count days anew, send reports by e-mail."""
    mails: list[Job] = [
        ("mail_reports", str(company_id)) for company_id in companies_to_mail(system, due_before)
    ]
    return mails + [
        ("keep_reports", str(company_id)) for company_id in companies_to_count(system, due_before)
    ]


def _of_budgets(system: Session, due_before: datetime) -> list[Job]:
    """Return the advice that is due, and changes at platforms that nobody knows the end of."""
    asked = {"advise_budget": companies_to_advise, "look_at_budgets": companies_with_changes}
    return [
        (name, str(company_id)) for name, find in asked.items() for company_id in find(system, due_before)
    ]


def _of_numbers(system: Session, due_before: datetime) -> list[Job]:
    """Return the jobs about numbers: buy what was ordered, give back what is to be given back."""
    found = {*companies_with_due_orders(system, due_before), *companies_with_leaving(system, due_before)}
    return [("provide_numbers", str(company_id)) for company_id in sorted(found)]
