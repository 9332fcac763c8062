"""A CRM tells late: the twins end in the right state, with one effect an order."""

import io
import threading
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from calltrack.attribution.model import Attribution
from calltrack.conversions import imports, intake
from calltrack.conversions.import_run import work_on
from calltrack.conversions.model import ConversionChange
from calltrack.conversions.reading import read_told
from calltrack.delivery.uploads import load_changes
from calltrack.kernel.ids import new_id
from tests.builders import make_call, make_visit
from tests.delivery.world import World

HEAD = "phone,called at,outcome,value,order id,email,first name,last name,zip\n"


def clicked_call(world: World, gclid: str, days: int) -> UUID:
    at = world.now() - timedelta(days=days)
    visit = make_visit(
        world.services, world.company, at=at - timedelta(minutes=9), click_ids={"gclid": gclid}
    )
    call = make_call(world.services, world.company, at=at, caller=f"+3934700000{days:02d}")
    with world.services.db.tenant(world.company.id) as session:
        session.add(
            Attribution(
                company_id=world.company.id, id=new_id(), call_id=call.id, is_current=True, decided_at=at,
                model="test", visit_id=visit.id, probability=0.9, p_nobody=0.1, source="google", medium="cpc",
                campaign="roma", p_campaign=0.9, candidates=[], reasons=[],
            )
        )  # fmt: skip
    return call.id


def apply(world: World, lines: str) -> dict[str, int]:
    company_id = world.company.id
    with world.services.db.tenant(company_id) as session:
        file = io.BytesIO((HEAD + lines).encode())
        id_ = imports.store_file(
            session, world.services.vault, company_id, file, "late.csv", "test", world.now()
        )
        imports.start(session, company_id, id_, "test", world.now(), dry=False)
    assert work_on(world.services, company_id, id_, threading.Event())
    with world.services.db.tenant(company_id) as session:
        return {
            name: count for name, count in imports.locked(session, company_id, id_).counts.items() if count
        }


def tell(world: World, **texts: str) -> None:
    company_id = world.company.id
    with world.services.db.tenant(company_id) as session:
        told = read_told(texts, intake.ways_of(session, company_id), world.now())
        sender = intake.Sender("CRM", "crm")
        intake.take(session, world.services.vault, company_id, [(told, world.now())], sender, world.now())


def send(world: World, destination_id: UUID) -> None:
    with world.services.db.tenant(world.company.id) as session:
        changes = list(session.scalars(select(ConversionChange.id).order_by(ConversionChange.id)))
    world.plan(changes)
    while world.deliver(destination_id):
        world.later(seconds=5)


def line(days: int, at: str, outcome: str, value: str, order: str) -> str:
    return f"34700000{days:02d},{at},{outcome},{value},{order},anna@example.it,Anna,Rossi,00100\n"


def test_late_words_of_a_crm_end_in_one_right_effect_an_order(world: World) -> None:
    hook = world.webhook()
    for days in (3, 4, 5):
        clicked_call(world, f"Late-{days}", days)
    at = {days: (world.now() - timedelta(days=days)).isoformat() for days in (3, 4, 5)}
    won = "".join(line(days, at[days], "won", f"{days}00.00", f"O-{days}") for days in (3, 4, 5))
    assert apply(world, won) == {"created": 3}
    send(world, hook)
    tell(world, outcome="refund", value="100", order_id="O-3")
    tell(world, outcome="cancelled", order_id="O-4")
    assert apply(world, line(5, at[5], "won", "550.00", "O-5")) == {"changed": 1}
    assert apply(world, line(5, at[5], "won", "550.00", "O-5")) == {"unchanged": 1}
    tell(world, outcome="refund", value="100", order_id="O-3")
    send(world, hook)
    with world.services.db.tenant(world.company.id) as session:
        rows = session.execute(select(ConversionChange.action, ConversionChange.value_minor)).all()
    assert sorted(row.action for row in rows) == [
        "create",
        "create",
        "create",
        "restate",
        "restate",
        "retract",
    ]
    assert sorted(row.value_minor for row in rows if row.action == "restate") == [20_000, 55_000]
    assert world.states(hook) == ["confirmed"] * 6
    assert len(world.effects("webhook")) == 6
    assert world.unaccounted() == 0


def test_what_a_file_knows_of_the_person_is_sent_beside_the_click(world: World) -> None:
    clicked_call(world, "Late-6", 6)
    at = (world.now() - timedelta(days=6)).isoformat()
    apply(world, line(6, at, "won", "10.00", "O-6"))
    with world.services.db.tenant(world.company.id) as session:
        change_id = session.scalars(select(ConversionChange.id)).one()
        upload = load_changes(session, world.services.vault, world.company.id, [change_id])[change_id].upload
    assert (upload.email, upload.first_name, upload.last_name) == ("anna@example.it", "Anna", "Rossi")
    assert (upload.postal_code, upload.country, upload.click_ids["gclid"]) == ("00100", "IT", "Late-6")


def test_late_words_reach_google_as_one_conversion_with_its_adjustment(world: World) -> None:
    google = world.google()
    clicked_call(world, "Late-2", 2)
    at = (world.now() - timedelta(days=2)).isoformat()
    apply(world, line(2, at, "won", "200.00", "O-2"))
    send(world, google)
    world.later(hours=2)
    world.poll(google)
    before = len(world.effects())
    apply(world, line(2, at, "won", "200.00", "O-2"))
    send(world, google)
    assert before == len(world.effects()) == 1
    assert set(world.states(google)) <= {"accepted", "confirmed"}
