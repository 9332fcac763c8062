"""Every page by every role, by strangers and by nobody: generated from the address map, nothing left out."""

from dataclasses import dataclass, replace
from datetime import timedelta
from io import BytesIO
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from calltrack.accounts import api_keys
from calltrack.accounts.queries import locations
from calltrack.accounts.rules import RANK, Role
from calltrack.attribution.drift import Lesson
from calltrack.attribution.model import Attribution
from calltrack.attribution.model_rows import AttributionCalibration, RejudgedCall, Rejudging
from calltrack.attribution.model_versions import Taught, keep_lesson
from calltrack.attribution.night_work import plan
from calltrack.attribution.prior import shipped
from calltrack.audiences.service import connect_list, create_audience
from calltrack.budgets.model import BudgetChange, BudgetPace, BudgetTest
from calltrack.callflows import audio
from calltrack.callflows import service as flow_service
from calltrack.calls import recording_files
from calltrack.calls.guard.blocking import NewEntry, block
from calltrack.calls.keeping_model import KeptRecording
from calltrack.calls.model import Recording
from calltrack.calls.people.model import MissedCall
from calltrack.calls.people.tags import make_tag, set_tags
from calltrack.calls.people.work import add_note
from calltrack.conversions import imports, inbox
from calltrack.conversions.told import Clues, Told
from calltrack.dashboard.access import NEEDS, OPEN
from calltrack.installation import service as installation
from calltrack.journeys import model as journeys
from calltrack.journeys.joining import Pair, join_by_hand
from calltrack.journeys.rule_model import PersonSuggestion
from calltrack.kernel.ids import new_id
from calltrack.kernel.money import Money
from calltrack.kernel.origin import campaign_key
from calltrack.messages.model import Message
from calltrack.messages.service import thread_of
from calltrack.reports.mails import WantedMail, add_mail
from calltrack.spend.entries import add_entry
from calltrack.spend.files import store_file as store_spend
from calltrack.spend.model import SpendCampaign
from calltrack.spend.told import Days
from calltrack.stages.making import make_journeys
from calltrack.stages.segments import Given, make_segment
from calltrack.stages.touchpoints import Told as Happened
from calltrack.stages.touchpoints import tell_touchpoint
from calltrack.visits.model import Visit
from calltrack.wiring import Services
from tests.accounts.people import Person, make_user
from tests.builders import NOON, Company, fresh_e164, make_company
from tests.dashboard.browser import Browser
from tests.dashboard.rows import Maker

pytestmark = pytest.mark.usefixtures("reports_end_here")

# Which role each page needs: the table people agreed on, apart from the code.
TABLE: dict[str, Role] = {
    "overview": "viewer", "live": "viewer", "live_json": "viewer", "calls": "viewer", "call": "viewer",
    "pool_advice": "viewer", "journey_credit": "viewer", "export_journey_credit": "viewer",
    "reports": "viewer", "report": "viewer", "report_file": "viewer", "report_mails": "manager",
    "add_report_mail": "manager", "end_report_mail": "manager",
    "numbers": "viewer", "destinations": "viewer", "deliveries": "viewer", "delivery": "viewer",
    "call_sent": "viewer", "destination": "viewer", "notices": "viewer", "dismiss_notice": "manager",
    "export_deliveries": "viewer", "replay_deliveries": "manager",
    "replay_delivery": "manager", "settle_delivery": "manager",
    "outcome": "manager", "make_link": "manager", "destination_status": "manager",
    "settings": "manager", "locations": "manager",
    "change_location": "manager", "sites": "manager", "add_site": "manager", "change_site": "manager",
    "change_settings": "owner", "add_location": "owner", "users": "owner", "add_user": "owner",
    "change_user": "owner", "keys": "owner", "add_key": "owner", "revoke_key": "owner",
    "sign_in_at": "owner", "sign_in_again": "owner", "try_destination": "manager",
    "preview_form": "manager", "preview_rows": "manager",
    "rules": "manager", "change_rules": "manager", "restore_rules": "manager",
    "setup": "manager", "number_setup": "manager", "number": "manager", "add_pool": "manager",
    "change_pool": "manager",
    "add_numbers": "manager", "add_static": "manager", "release_number": "manager",
    "find_numbers": "manager", "order_numbers": "manager", "number_orders": "manager",
    "number_import": "manager", "import_chosen": "manager", "repair_one": "manager",
    "repair_numbers": "manager", "change_all_hooks": "manager", "change_one_hooks": "manager",
    "move_number": "manager", "leave_number": "manager", "keep_number": "manager",
    "install_checks": "manager", "begin_check": "manager", "install_check": "manager",
    "open_checked": "manager", "hear_inside": "manager",
    "site_numbers": "manager", "add_site_number": "manager", "remove_site_number": "manager",
    "outcome_files": "manager", "add_import": "manager", "outcome_file": "manager", "plan_import": "manager",
    "run_import": "manager", "remove_import": "manager", "import_results": "manager",
    "outcome_inbox": "manager", "match_outcome": "manager", "dismiss_outcome": "manager",
    "outcome_crm": "owner", "change_crm_door": "owner", "change_crm_mapping": "owner",
    "phone_systems": "owner", "keep_phone_system": "owner", "drop_phone_system": "owner",
    "carrier": "owner", "connect_account": "owner", "connect": "owner", "connect_destination": "owner",
    "destination_settings": "owner", "change_destination": "owner", "remove_destination": "owner",
    "rotate_secret": "owner",
    "hear_recording": "manager", "delete_recording": "manager", "change_recording": "manager",
    "transcripts": "manager",
    "erasures": "owner", "erase_person": "owner",
    "protection": "manager", "change_protection": "owner", "block_caller": "manager",
    "unblock_caller": "manager", "tell_call_spam": "manager",
    "tag_call": "manager", "note_call": "manager", "work_on_call": "manager", "call_back": "manager",
    "settle_missed": "manager", "write_caller": "manager", "own_phone": "manager",
    "give_own_phone": "manager", "confirm_own_phone": "manager", "messages": "viewer",
    "message_thread": "viewer",
    "answer_message": "manager", "follow_up": "manager", "change_follow_up": "owner",
    "change_contact": "manager", "add_tag": "manager", "change_tag": "manager",
    "audiences": "viewer", "audience": "viewer", "new_audience": "manager", "add_audience": "manager",
    "edit_audience": "manager", "change_audience": "manager", "audience_status": "manager",
    "change_audience_list": "manager", "connect_audience_list": "owner",
    "attribution_models": "viewer", "attribution_model": "viewer", "calibration": "viewer",
    "change_attribution_model": "manager", "judging_past": "viewer", "judge_past": "manager",
    "judged_past": "viewer", "stop_judging": "manager",
    "budget": "viewer", "budget_what_if": "viewer", "make_advice": "manager", "budget_limits": "manager",
    "change_budget_limits": "manager", "check_budgets": "manager", "budget_change": "manager",
    "decide_budget_change": "manager", "budget_record": "viewer", "pacing": "viewer",
    "add_pace_of": "manager", "change_pace_of": "manager", "remove_pace_of": "manager",
    "budget_tests": "viewer", "begin_budget_test": "manager", "stop_budget_test": "manager",
    "spend": "viewer", "connect_spend": "owner", "change_spend": "manager", "spend_matching": "viewer",
    "spend_keywords": "viewer",
    "match_spend": "manager", "spend_currencies": "viewer", "add_spend_rates": "manager",
    "remove_spend_rate": "manager",
    "spend_files": "manager", "add_spend_file": "manager", "spend_file": "manager",
    "change_spend_file": "manager", "spend_offline": "viewer", "add_offline_cost": "manager",
    "remove_offline_cost": "manager",
    "flows": "viewer", "flow": "viewer", "try_flow": "viewer", "add_flow": "manager",
    "rename_flow": "manager", "restore_flow": "manager", "remove_flow": "manager", "assign_flow": "manager",
    "unassign_flow": "manager", "edit_flow": "manager", "change_flow": "manager", "flow_step": "manager",
    "change_flow_step": "manager", "flow_sounds": "manager", "add_sound": "manager", "hear_sound": "manager",
    "remove_sound": "manager",
    "journeys": "viewer", "journey_flow": "viewer", "journey_friction": "viewer", "journey_paths": "viewer",
    "journey_cohorts": "viewer", "journey_file": "viewer",
    "persons": "viewer", "export_persons": "viewer", "person": "viewer",
    "join_person": "manager", "part_person": "manager", "link_person_key": "manager",
    "segments": "viewer", "segment": "manager", "new_segment": "manager", "add_segment": "manager",
    "change_segment": "manager", "delete_segment": "manager",
    "tell_webhook_again": "manager",
    "joining": "viewer", "change_joining": "owner", "undo_joining": "owner", "decide_suggestion": "manager",
    "journey_rules": "viewer", "change_stage_rules": "owner", "change_score_rules": "owner",
}  # fmt: skip
# Parts of addresses that name no object of a company.
OF_NOBODY = frozenset(("dimension", "kind", "view"))
# Pages whose whole work is to send the browser elsewhere: to a platform's sign-in, to the company's own site.
LEAVES = frozenset(("sign_in_at", "sign_in_again", "open_checked"))
# No carrier is served here: whoever may ask it is told so.
ASK_THE_CARRIER = ("order_numbers",)
RECEIVER = {"url": "https://crm.test/hook", "secret": "whsec_" + 40 * "A"}
SOUND = b"RIFF" + bytes(4) + b"WAVE" + bytes(100)  # Text readers take it, too.
# A form each page would take, so that what stops a stranger is the wall and not a wrong form.
FORMS: dict[str, dict[str, str]] = {
    "add_audience": {"name": "Leads", "do": "save", "what-0": "lead", "rows": "1"},
    "change_audience": {"name": "Leads", "do": "save", "what-0": "lead", "rows": "1"},
    "audience_status": {"do": "pause"},
    "check_budgets": {"account": 32 * "0"},
    "decide_budget_change": {"do": "drop"},
    "add_pace_of": {"name": "All", "amount": "4500"},
    "change_pace_of": {"name": "All", "amount": "4500"},
    "begin_budget_test": {"do": "size"},
    "remove_pace_of": {"sure": "no"},
    "stop_budget_test": {"sure": "no"},
    "change_audience_list": {"do": "resume"},
    "connect_audience_list": {"destination": "0" * 32, "list_id": "777002"},
    "connect_spend": {"destination": 32 * "0", "number": "1234567890", "back_days": "30"},
    "change_spend": {"do": "read"},
    "match_spend": {"key": "none"},
    "remove_spend_rate": {"base": "USD", "quote": "EUR", "day": "2026-11-20"},
    "add_spend_rates": {"base": "USD", "quote": "EUR", "day": "2026-11-20", "rate": "0.9"},
    "change_spend_file": {"do": "apply"},
    "remove_offline_cost": {"sure": "no"},
    "add_offline_cost": {"name": "Radio", "month": "2026-11", "cost": "900", "currency": "EUR"},
    "change_attribution_model": {"do": "pin"},
    "add_report_mail": {"dimension": "source", "every": "day", "hour": "7"},
    "judge_past": {"since": "2026-11-01"},
    "change_protection": {
        "spam_action": "challenge",
        "calls_per_number": "500",
        "minutes_per_number": "900",
        "calls_per_company": "500",
        "minutes_per_company": "900",
    },
    "erase_person": {"number": "+393470000123", "sure": "yes"},
    "block_caller": {"caller": "+44790*"},
    "unblock_caller": {"sure": "no"},
    "tell_call_spam": {"spam": "yes"},
    "outcome": {"kind": "purchase", "value": "850"},
    "destination_status": {"status": "active"},
    "settle_delivery": {"arrived": "no"},
    "change_location": {"name": "Roma", "forward_to": "+390669940001", "ring_seconds": "18"},
    "add_location": {"name": "Ostia", "forward_to": "+390669940001", "ring_seconds": "18"},
    "add_site": {"name": "Due", "origins": "https://due.test"},
    "change_site": {"name": "Due", "origins": "https://due.test"},
    "change_settings": {"name": "Uno", "timezone": "Europe/Rome"},
    "add_user": {"name": "Eva", "email": "eva@example.test", "role": "viewer"},
    "change_user": {"role": "manager"},
    "add_key": {"name": "CRM", "role": "viewer"},
    "connect_account": {"account_sid": "AC" + 32 * "0", "auth_token": 32 * "f"},
    "change_rules": {"do": "add"},
    "restore_rules": {"number": "0"},
    "add_pool": {"name": "Ostia", "lease_seconds": "150", "cooldown_seconds": "60"},
    "change_pool": {"name": "Ostia", "lease_seconds": "150", "cooldown_seconds": "60"},
    "add_numbers": {"kind": "pool", "numbers": "+390694111111"},
    "add_static": {"number": "+390694111112", "source": "billboard"},
    "release_number": {"sure": "no"},
    "order_numbers": {"country": "US", "type": "local", "e164": "+14152360001", "source": "billboard"},
    "import_chosen": {"e164": "+14152360001", "source": "billboard"},
    "move_number": {"source": "billboard"},
    "change_all_hooks": {"hooks": "own"},
    "keep_phone_system": {"host": "pbx.example.com", "username": "office", "sip_password": "s3cret"},
    "drop_phone_system": {"host": "pbx.example.com"},
    "change_one_hooks": {"hooks": "application"},
    "leave_number": {"days": "90"},
    "begin_check": {"page": "https://www.prova.test/"},
    "hear_inside": {"told": '{"page": "https://www.prova.test/"}'},
    "add_site_number": {"target": "+390669940002"},
    "remove_site_number": {"target": "+390669940003"},
    "connect_destination": {"kind": "webhook", "name": "CRM", **RECEIVER},
    "change_destination": {"name": "CRM", **RECEIVER},
    "remove_destination": {"sure": "no"},
    "plan_import": {"col0": "phone", "outcome": "lead"},
    "run_import": {"dry": "yes"},
    "remove_import": {"sure": "no"},
    "match_outcome": {"call_id": 32 * "0"},
    "dismiss_outcome": {"reason": "A test."},
    "change_crm_door": {"wish": "open"},
    "preview_rows": {"rows": "{}"},
    "change_recording": {"do": "pause"},
    "delete_recording": {"sure": "no"},
    "add_flow": {"starter": "ring-all"},
    "rename_flow": {"name": "Customers"},
    "restore_flow": {"number": "1"},
    "remove_flow": {"sure": "no"},
    "assign_flow": {"spot": "company:" + 32 * "0"},
    "unassign_flow": {"spot": "company:" + 32 * "0"},
    "change_flow": {"do": "discard"},
    "change_flow_step": {"do": "keep", "message-text": "Welcome", "then": "=phones"},
    "remove_sound": {"sure": "no"},
    "tag_call": {"new-tag": "Preventivo"},
    "note_call": {"text": "Richiamare domani."},
    "work_on_call": {"status": "contacted"},
    "settle_missed": {"do": "close"},
    "write_caller": {"text": "Buongiorno"},
    "answer_message": {"text": "Buongiorno"},
    "give_own_phone": {"phone": "+393470000009"},
    "confirm_own_phone": {"code": "123456"},
    "change_follow_up": {"alert_to": "owners", "ask_seconds": "20", "text_back_minutes": "5"},
    "add_tag": {"tag_name": "Preventivo"},
    "change_tag": {"tag_name": "Preventivo"},
    "join_person": {"other": "0" * 32},
    "link_person_key": {"system": "hubspot", "key": "1042"},
    "add_segment": {"name": "Rome", "color": "blue", "do": "preview", "fact-0": "calls", "value-0": "2"},
    "change_segment": {"name": "Milan", "color": "blue", "do": "save", "fact-0": "calls", "value-0": "2"},
    "delete_segment": {"sure": "no"},
    "change_joining": {
        "key": "join",
        "call": "join",
        "email": "ask",
        "phone": "off",
        "other_crm_id": "ask",
        "do": "try",
    },
    "undo_joining": {"sure": "no"},
    "decide_suggestion": {"do": "apart"},
    "change_stage_rules": {"fact-loyalty-0": "purchases", "value-loyalty-0": "2"},
    "change_score_rules": {"warm": "30", "hot": "60", "do": "try"},
    "change_contact": {"email": "roma@example.test", "mobile": "+393470000009"},
}


@dataclass(frozen=True)
class Tenant:
    company: Company
    people: dict[str, Person]
    ids: dict[str, Any]


@pytest.fixture(scope="module")
def mine(services: Services) -> Tenant:
    return tenant(services)


@pytest.fixture(scope="module")
def theirs(services: Services) -> Tenant:
    return tenant(services)


def tenant(services: Services, say: str = "") -> Tenant:
    """Make a company with something behind every page; `say` is what strangers wrote wherever they could."""
    company = make_company(services, name=say) if say else make_company(services)
    made = Maker(services, company, say=say).fill(12, 20)
    # Names with invisible marks are refused; everything else is taken as it is written.
    said = say or "Welcome"
    named, file_name = say if say and say.isprintable() else "Customers", say or "crm.csv"
    people = {role: make_user(services, company, role) for role in ("owner", "manager", "viewer")}
    with services.db.tenant(company.id) as session:
        key = api_keys.create_api_key(session, company.id, "CRM", "viewer", NOON)
        audience_id = create_audience(session, company.id, named, {"fact": "bought"}, NOON)
        place_id = connect_list(session, company.id, audience_id, made.destinations[0], "777001", NOON)
        file = BytesIO(b"phone,outcome\n+393471234567,lead\n")
        import_id = imports.store_file(session, services.vault, company.id, file, file_name, "test", NOON)
        told = Told(outcome="lead", clues=Clues(phone="+393470000000"))
        spent = keep_spend(session, company.id, named, file_name)
        inbox_id = inbox.keep(
            session, services.vault, company.id, told, "No call.", "test", "crm", NOON, NOON
        )
        blocked_id = block(
            session, services.vault, company.id, NewEntry(fresh_e164(), named), NOON, by="test"
        )
        flow_id = flow_service.create(session, company.id, named, _flow(said), "test", NOON)
        tag_id = make_tag(session, company.id, named, NOON, by=named)
        set_tags(session, company.id, made.calls[3], [tag_id], NOON, by=named)
        add_note(session, services.vault, company.id, made.calls[3], say or "Note", NOON, by=named)
        text = say or "Buongiorno"
        thread_id = keep_messages(services, session, company, text)
        missed = MissedCall(
            company_id=company.id, call_id=made.calls[3], missed_at=NOON, state="closed", settled_by=named,
            settled_at=NOON, caller_hash=None,
        )  # fmt: skip
        session.add(missed)
        version, judging_id = keep_models(session, company, made.calls[3], named)
        budgets = keep_budgets(session, company, say or "Roma")
        persons = keep_persons(services, session, company, say or "Sofa", named)
        page = f"https://www.prova.test/{quote(say)}"
        wanted = WantedMail("anna@example.test", "source", "week", "7", {"campaign": named})
        mail_id = add_mail(session, services.vault, company.id, wanted, NOON, by=named)
        check_id = installation.begin_check(session, company.id, company.site_id, page, services.clock())
    data_dir, vault = services.settings.data_dir, services.vault
    sound = audio.store(data_dir, vault, company.id, said, SOUND, "test", NOON)
    ids = {
        **spent,
        "flow_id": flow_id, "step": "welcome", "file": sound.path.rpartition("/")[2],
        "tag_id": tag_id, "thread_id": thread_id,
        "sid": keep_recording(services, company, made.calls[3]),
        "entry_id": blocked_id,
        "call_id": made.calls[3], "delivery_id": made.deliveries[0], "key_id": key.id,
        "import_id": import_id, "inbox_id": inbox_id,
        "destination_id": made.destinations[1], "location_id": company.location_id,
        "site_id": company.site_id, "pool_id": company.pool_id, "number_id": company.number_ids[0],
        "version": version, "judging_id": judging_id,
        "check_id": check_id, "mail_id": mail_id, "dimension": "campaign", "kind": "csv", "view": "flow",
        **budgets,
        "notice_id": made.notices[0], "audience_id": audience_id, "place_id": place_id,
        "user_id": make_user(services, company, "viewer").id,
        **persons,
    }  # fmt: skip
    return Tenant(company, people, ids)


def keep_models(session: Session, company: Company, call_id: UUID, by: str) -> tuple[str, UUID]:
    """Give the company a learnt model, a calibrated week, and a call that was judged anew."""
    model = replace(shipped(), version=f"learnt-{new_id().hex}", calls_learnt=40.0)
    taught = Taught(
        since=NOON - timedelta(days=28), until=NOON, visits=900, numbers=5, numbers_in_use=6
    )  # fmt: skip
    lesson = Lesson(model=model, is_new=True, calls=40, held=("gone",))
    keep_lesson(session, company.id, lesson, taught, "shipped-1", NOON)
    plan(session, company.id, NOON)
    outcomes = {level: [[0.9, True], [0.4, False]] for level in ("visitor", "campaign", "source", "tap")}
    session.add(
        AttributionCalibration(
            company_id=company.id, week=NOON.date(), made_at=NOON, model=model.version, calls=9, known=2,
            never_shown=1, outcomes=outcomes,
        )
    )  # fmt: skip
    row = Rejudging(
        company_id=company.id, id=new_id(NOON), asked_at=NOON, asked_by=by, since=NOON - timedelta(days=9),
        model=model.version, tells=False, judged=9, changed_visit=1, done_at=NOON,
    )  # fmt: skip
    session.add(row)
    session.flush()
    verdict = session.scalars(select(Attribution.id).where(Attribution.call_id == call_id)).first()
    session.add(
        RejudgedCall(
            company_id=company.id, rejudging_id=row.id, call_id=call_id, before_id=verdict,
            after_id=verdict or new_id(NOON), visit=True, campaign=False, source=False,
        )
    )  # fmt: skip
    return model.version, row.id


def keep_budgets(session: Session, company: Company, said: str) -> dict[str, UUID]:
    """Give the company a change of budgets that waits, a monthly budget and an on/off test."""
    of_company = {"company_id": company.id}
    line = {
        "budget_id": "8001", "name": said, "unit": said, "before": 20_000_000, "wanted": 22_000_000,
        "fate": "change", "campaigns": [["9", said]], "named": [], "is_shared": True,
    }  # fmt: skip
    change = BudgetChange(
        **of_company, id=new_id(NOON), account_id=new_id(NOON), state="checked", currency="EUR", lines=[line],
        asked_by=said, asked_at=NOON, said=said,
    )  # fmt: skip
    pace = BudgetPace(
        **of_company, id=new_id(NOON), name=said, campaign_keys=[], amount_minor=100, made_by=said,
        made_at=NOON,
    )  # fmt: skip
    test = BudgetTest(
        **of_company, id=new_id(NOON), name=said, campaign_keys=[said], counts="lead",
        starts_on=NOON.date() - timedelta(days=4), weeks=2, off_weeks=["2026-11-16"], lift=0.2, made_by=said,
        made_at=NOON,
    )  # fmt: skip
    session.add_all((change, pace, test))
    session.flush()
    return {"change_id": change.id, "pace_id": pace.id, "test_id": test.id}


def keep_spend(session: Session, company_id: UUID, named: str, file_name: str) -> dict[str, UUID]:
    """Give the company an account of spend, a typed cost and a file."""
    key = campaign_key("billboard", "offline", named)
    days = Days(NOON.date(), NOON.date())
    cost_id = add_entry(session, company_id, named, key, days, Money(900, "USD"), named, "test", NOON)
    campaign = session.scalars(select(SpendCampaign).where(SpendCampaign.company_id == company_id)).one()
    content = f"day,campaign,cost\n2026-11-20,{named},9\nnever,{named},9\n".encode()
    file_id = store_spend(session, company_id, content, file_name, "test", NOON)
    return {
        "cost_id": cost_id, "campaign_id": campaign.id, "account_id": campaign.account_id, "file_id": file_id,
    }  # fmt: skip


def keep_persons(
    services: Services, session: Session, company: Company, said: str, named: str
) -> dict[str, UUID]:
    """Make the journeys, join two persons, tell a touchpoint and save a segment."""
    now = services.clock()
    first, second = session.scalars(select(journeys.Person.id).order_by(journeys.Person.id).limit(2))
    told = Happened("chat", NOON, visitor_id=new_id(), text=said[:1000], system="hubspot", key="7")
    kept = tell_touchpoint(session, services.vault, company.id, told, now, by=named)
    assert kept.person_id is not None
    join_id = join_by_hand(session, company.id, Pair(first, second), now, by=named)
    join_by_hand(session, company.id, Pair(first, kept.person_id), now, by=named)
    make_journeys(session, company.id, list(session.scalars(select(journeys.Person.id))))
    make_journeys(session, company.id, list(session.scalars(select(Visit.visitor_id))))
    given = Given(named[:80], "blue", {"fact": "campaign", "is": said[:200]})
    segment_id = make_segment(session, company.id, given, now, by=named)
    other, pair = new_id(now), new_id()
    session.add(journeys.Person(company_id=company.id, id=other, created_at=now))
    session.flush()
    session.add(
        PersonSuggestion(
            company_id=company.id, id=pair, one_id=first, other_id=other, via="email", found_at=now,
            decision="open",
        )
    )  # fmt: skip
    return {"person_id": first, "join_id": join_id, "segment_id": segment_id, "suggestion_id": pair}


def _flow(said: str) -> dict[str, Any]:
    welcome = {"kind": "announce", "message": {"text": said}, "then": "phones"}
    phones = {"kind": "ring", "targets": [{"own_line": True, "label": said[:60]}]}
    return {"start": "welcome", "steps": {"welcome": welcome, "phones": phones}}


def keep_messages(services: Services, session: Session, company: Company, text: str) -> UUID:
    """Give the company a thread of messages."""
    thread = thread_of(session, services.vault, company.id, "+393475550101", NOON)
    for kind, state in (("received", "received"), ("answer", "delivered")):
        session.add(
            Message(
                company_id=company.id, id=new_id(NOON), thread_id=thread.id, number_id=company.number_ids[0],
                kind=kind, body=services.vault.seal(company.id, "message.body", text), at=NOON, state=state,
                written_by=text, source=text, campaign=text, changed_at=NOON, problem=text,
            )
        )  # fmt: skip
    return thread.id


def keep_recording(services: Services, company: Company, call_id: UUID) -> str:
    """Give a call a recording of which we hold a copy."""
    sid = "RE" + new_id().hex
    count, key = recording_files.save(services, company.id, sid, [b"RIFF", bytes(100_000)])
    with services.db.tenant(company.id) as session:
        session.add(
            Recording(
                company_id=company.id, call_id=call_id, recording_sid=sid, kind="call", status="completed",
                url="", seconds=6,
            )
        )  # fmt: skip
        session.flush()
        session.add(
            KeptRecording(
                company_id=company.id, call_id=call_id, recording_sid=sid, byte_count=count, file_key=key,
                content_type="audio/wav", copied_at=NOON,
            )
        )  # fmt: skip
    return sid


def pages(app: Flask) -> list[tuple[str, Rule, str]]:
    """Return (name, rule, method) of every page of a company."""
    found = []
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if "company_id" in rule.arguments:
                found.append((rule.endpoint.removeprefix("dashboard."), rule, method))
    return found


def address(app: Flask, rule: Rule, company_id: UUID, ids: dict[str, Any]) -> str:
    wanted = {name: ids[name] for name in rule.arguments if name != "company_id"}
    with app.test_request_context():
        return app.url_map.bind("localhost").build(rule.endpoint, {"company_id": company_id, **wanted})


def visit(browser: Browser, method: str, path: str, name: str, /, **more: Any) -> tuple[int, str]:
    answer = browser.get(path) if method == "GET" else browser.post(path, **(FORMS.get(name, {}) | more))
    return answer.status_code, answer.text


def test_the_address_map_holds_nothing_that_is_not_declared(app: Flask) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint != "static"}
    assert endpoints == set(NEEDS) | set(OPEN)
    assert {name.removeprefix("dashboard."): role for name, role in NEEDS.items()} == TABLE


def test_nobody_gets_in_without_signing_in(app: Flask, mine: Tenant) -> None:
    browser = Browser(app)
    for name, rule, method in pages(app):
        path = address(app, rule, mine.company.id, mine.ids)
        status, text = visit(browser, method, path, name)
        assert status == (303 if method == "GET" else 401), (name, method)
        assert "Traslochi" not in text


@pytest.mark.parametrize("role", ["owner", "manager", "viewer"])
def test_a_foreign_company_looks_like_an_unknown_one(
    app: Flask, mine: Tenant, theirs: Tenant, role: str
) -> None:
    browser = Browser(app)
    browser.enter(mine.people[role])
    for name, rule, method in pages(app):
        foreign = visit(browser, method, address(app, rule, theirs.company.id, theirs.ids), name)
        unknown = visit(browser, method, address(app, rule, new_id(), theirs.ids), name)
        assert foreign == unknown, (name, method)
        assert foreign[0] == 404, (name, method)


def test_a_foreign_object_in_ones_own_company_looks_like_an_unknown_one(
    app: Flask, mine: Tenant, theirs: Tenant
) -> None:
    browser = Browser(app)
    browser.enter(mine.people["owner"])
    nothing = {name: new_id() for name in mine.ids}
    for name, rule, method in pages(app):
        if rule.arguments - OF_NOBODY == {"company_id"}:
            continue
        foreign = visit(browser, method, address(app, rule, mine.company.id, theirs.ids), name)
        unknown = visit(browser, method, address(app, rule, mine.company.id, nothing), name)
        assert foreign == unknown, (name, method)
        assert foreign[0] == 404, (name, method)


@pytest.mark.parametrize("role", ["viewer", "manager", "owner"])
def test_every_page_opens_for_its_role_and_above_only(app: Flask, services: Services, role: str) -> None:
    fresh, browser = _fresh(services, app), Browser(app)
    browser.enter(fresh.people[role])
    for name, rule, method in pages(app):
        path = address(app, rule, fresh.company.id, fresh.ids)
        status, _ = visit(browser, method, path, name, **own(name, fresh.company))
        allowed = (200,) if method == "GET" and name not in LEAVES else (200, 303)
        if name in ASK_THE_CARRIER:
            allowed = (503,)
        expected = allowed if RANK[role] >= RANK[TABLE[name]] else (403,)
        assert status in expected, (name, method, status)


def own(name: str, company: Company) -> dict[str, Any]:
    """Return what a form must hold of its own company, and numbers that nobody has yet."""
    forms: dict[str, dict[str, Any]] = {
        "change_location": {"forward_to": company.target},
        "block_caller": {"caller": fresh_e164()},
        "add_sound": {"sound": (BytesIO(SOUND), "welcome.wav")},
        "add_flow": {"name": f"Flow {fresh_e164()}"},
        "assign_flow": {"spot": f"company:{company.id.hex}"},
        "add_tag": {"tag_name": new_id().hex},
        "change_tag": {"tag_name": new_id().hex},
        "add_report_mail": {"email": f"{new_id().hex}@example.test"},
        "add_pool": {"location": company.location_id.hex},
        "add_numbers": {"numbers": fresh_e164()},
        "add_static": {"location": company.location_id.hex, "number": fresh_e164()},
        "add_site_number": {"pool": company.pool_id.hex},
        "order_numbers": {"use": f"pool:{company.pool_id.hex}"},
        "import_chosen": {"use": f"pool:{company.pool_id.hex}"},
        "move_number": {"use": f"pool:{company.pool_id.hex}"},
        "leave_number": {"confirm": company.numbers[0]},
    }
    return forms.get(name, {})


_shared: list[Tenant] = []


def _fresh(services: Services, app: Flask) -> Tenant:
    """One tenant serves all cells: no form of the table takes another cell's object away."""
    if not _shared:
        _shared.append(tenant(services))
    return _shared[0]


def test_only_an_owner_changes_where_calls_are_put_through(app: Flask, services: Services) -> None:
    company = make_company(services)
    path = f"/app/{company.id.hex}/settings/locations/{company.location_id.hex}"
    table: list[tuple[Role, int, str]] = [
        ("manager", 403, company.target),
        ("owner", 303, "+390669940001"),
    ]
    for role, status, expected in table:
        browser = Browser(app)
        browser.enter(make_user(services, company, role))
        assert browser.post(path, **FORMS["change_location"]).status_code == status
        with services.db.tenant(company.id) as session:
            (branch,) = locations(session, company.id)
        assert branch.forward_to == expected


def test_a_viewer_sees_masked_numbers_and_a_manager_full_ones(app: Flask, services: Services) -> None:
    company = make_company(services)
    Maker(services, company).fill(6, 3)
    texts = {}
    for role in ("viewer", "manager"):
        browser = Browser(app)
        browser.enter(make_user(services, company, role))
        base = f"/app/{company.id.hex}"
        texts[role] = browser.get(f"{base}/calls").text
        live = browser.get(f"{base}/live").text
        assert "+39 347 •••" in live
    assert "+39 347 •••" in texts["viewer"]
    assert "+39 347 •••" not in texts["manager"]
