"""A tag that very many calls carry becomes part of another by a few statements."""

from sqlalchemy import func, select

from calltrack.calls.model import Call
from calltrack.calls.people.model import CallTagged
from calltrack.calls.people.tags import make_tag, merge_tags, set_tags
from calltrack.infra.outbox import Fact
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_call
from tests.copies import copy_row
from tests.explained import statements

MANY = 300


def test_a_tag_of_many_calls_is_merged_together(services: Services, company: Company) -> None:
    call = make_call(services, company)
    with services.db.tenant(company.id) as session:
        old = make_tag(session, company.id, "Moving", NOON, by="Anna")
        new = make_tag(session, company.id, "Move", NOON, by="Anna")
        set_tags(session, company.id, call.id, [old, new], NOON, by="Anna")
        copy_row(session, "call", MANY, "id", call_sid="'CA' || md5(CAST(n AS text))")
        copy_row(session, "call_tagged", MANY, "call_id", where=f"tag_id = '{old}'")
    with statements(services.db.engine) as sent, services.db.tenant(company.id) as session:
        assert merge_tags(session, company.id, old, new, NOON, by="Bruno") == MANY + 1
    assert len(sent) < 20
    with services.db.tenant(company.id) as session:
        carried = select(CallTagged.tag_id, func.count()).group_by(CallTagged.tag_id)
        assert [tuple(row) for row in session.execute(carried)] == [(new, MANY + 1)]
        assert session.scalar(select(func.count()).where(Call.changed_at == NOON)) == MANY + 1
        told = select(func.count(Fact.subject_id.distinct())).where(Fact.kind == "call.tagged")
        assert session.scalar(told) == MANY + 1
