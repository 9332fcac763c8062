"""The example of the docs is a flow, and the docs name every kind of step and every field of a ring."""

import json
from pathlib import Path
from typing import get_args

from calltrack.callflows.checks import KINDS, read_flow
from calltrack.callflows.sharing import How
from calltrack.callflows.steps import RingGroup

PAGE = (Path(__file__).parents[2] / "docs" / "call-flows.md").read_text()


def test_the_example_is_a_flow() -> None:
    example = PAGE.partition("```json\n")[2].partition("```")[0]
    assert len(read_flow(json.loads(example)).steps) == 5


def test_everything_is_written_down() -> None:
    missing = [
        name
        for name in (*KINDS, *get_args(How), *RingGroup.model_fields)
        if f"`{name}`" not in PAGE and f'"{name}"' not in PAGE
    ]
    assert missing == []
