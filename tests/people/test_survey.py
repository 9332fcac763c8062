"""What a caller keys in after the talk decides by a rule; that it is asked: tests/calls/test_flow_calls."""

import pytest
from sqlalchemy import select, text

from calltrack.conversions.model import Conversion
from calltrack.conversions.service import classify_call
from calltrack.conversions.tree_rules import read_tree
from calltrack.conversions.versions import save_rules
from calltrack.wiring import Services
from tests.builders import Company, make_call

RULES = {
    "rules": [
        {"id": "pleased", "when": {"fact": "key", "any_of": ["survey=1", "survey=2"]}, "mark": "lead"},
        {"id": "rest", "when": {"fact": "answered"}, "mark": "nothing"},
    ]
}


@pytest.mark.parametrize(("key", "leads"), [("1", 1), ("2", 1), ("3", 0), ("", 0)])
def test_a_survey_answer_makes_the_lead(services: Services, company: Company, key: str, leads: int) -> None:
    now = services.clock()
    call = make_call(services, company, at=now)
    path = ["menu", "menu=1", "ring", "survey", *([f"survey={key}"] if key else [])]
    with services.db.tenant(company.id) as session:
        save_rules(session, company.id, read_tree(RULES), "test", now)
        session.execute(
            text("UPDATE call SET keys = :keys, flow_path = :path WHERE id = :id"),
            {"keys": ["1", key] if key else ["1"], "path": path, "id": call.id},
        )
    with services.db.tenant(company.id) as session:
        classify_call(session, company.id, call.id, now)
        assert len(session.scalars(select(Conversion)).all()) == leads
