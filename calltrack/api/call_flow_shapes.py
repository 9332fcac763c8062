"""How call flows look in questions and answers of the API."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from calltrack.callflows.queries import AssignmentRow, FlowRow, VersionRow
from calltrack.callflows.trial import Branch

Definition = Annotated[
    dict[str, Any], Field(description="start, steps, language, timezone, notice: see docs/call-flows.md.")
]
Scope = Literal["company", "location", "pool", "number"]


class NewFlow(BaseModel):
    """A flow to make."""

    name: Annotated[str, Field(max_length=120)]
    definition: Definition


class NewVersion(BaseModel):
    """A version to save; it answers within 15 seconds."""

    definition: Definition
    based_on: Annotated[
        int | None, Field(description="Refuse if somebody saved another version since this one.", ge=1)
    ] = None


class NewName(BaseModel):
    """Another name for a flow."""

    name: Annotated[str, Field(max_length=120)]


class WantedVersion(BaseModel):
    """A version to bring back."""

    number: Annotated[int, Field(ge=1, le=1_000_000)]


class Checked(BaseModel):
    """A definition to check; nothing is stored."""

    definition: Definition


class Verdict(BaseModel):
    """Whether a definition can be saved, what is wrong with it, and how it reads."""

    valid: bool
    problems: Annotated[dict[str, str], Field(description="Each with its place, such as: step “menu”, then.")]
    sentences: Annotated[
        list[str], Field(description="The flow in words, line by line; empty: it has mistakes.")
    ]
    new_phones: Annotated[
        list[str], Field(description="Where no call of the company went before: saving needs an owner's key.")
    ]


class WantedTrial(BaseModel):
    """A call to try, with a definition or a flow that is there."""

    definition: Annotated[
        dict[str, Any] | None, Field(description="Left out: the newest version of `flow_id`.")
    ] = None
    flow_id: Annotated[str | None, Field(max_length=40)] = None
    at: AwareDatetime
    caller: Annotated[str, Field(description="Any notation; empty: withheld.", max_length=40)] = ""
    keys: Annotated[
        str,
        Field(
            description="Keys pressed, one each time one is asked for.", pattern="^[0-9*#]*$", max_length=20
        ),
    ] = ""
    answered: Annotated[bool, Field(description="Whether somebody takes the call.")] = False


class ToldShape(BaseModel):
    """One thing that happens."""

    to: Annotated[str, Field(description="caller, business or flow.")]
    text: str


class BranchShape(BaseModel):
    """A stretch of the call."""

    when: str
    told: list[ToldShape]
    steps: list[str]


class TrialShape(BaseModel):
    """What happens to the call; nothing rang."""

    moment: str
    path: list[BranchShape]
    steps: Annotated[
        list[str], Field(description="The steps the call comes through; a key pressed reads menu=1.")
    ]
    answered: bool
    unused_keys: str


class FlowShape(BaseModel):
    """A flow with its newest version."""

    id: str
    name: str
    version: int
    definition: dict[str, Any]
    saved_by: str
    saved_at: datetime
    assignments: Annotated[int, Field(description="How many places it is assigned to.")]


class FlowList(BaseModel):
    """Every flow of the company, by name."""

    call_flows: list[FlowShape]


class VersionShape(BaseModel):
    """A saved version; it never changes."""

    number: int
    definition: dict[str, Any]
    saved_by: str
    saved_at: datetime
    replaced_at: Annotated[datetime | None, Field(description="null: it answers now.")]


class VersionList(BaseModel):
    """The versions of a flow, newest first."""

    versions: list[VersionShape]


class WantedAssignment(BaseModel):
    """Which flow shall answer there."""

    flow_id: Annotated[str, Field(max_length=40)]


class AssignmentShape(BaseModel):
    """Where a flow is assigned; the narrowest assignment counts."""

    scope: Scope
    subject_id: str
    name: str
    flow_id: str
    flow: str
    assigned_by: str
    assigned_at: datetime


class AssignmentList(BaseModel):
    """Everything a flow is assigned to, from the company down to single numbers."""

    assignments: list[AssignmentShape]


def flow_shape(row: FlowRow) -> dict[str, Any]:
    """Return a flow as the API shows it."""
    return vars(row) | {"id": str(row.id)}


def version_shape(row: VersionRow) -> dict[str, Any]:
    """Return a version as the API shows it."""
    return {name: value for name, value in vars(row).items() if name != "version_id"}


def assignment_shape(row: AssignmentRow) -> dict[str, Any]:
    """Return an assignment as the API shows it."""
    return vars(row) | {"subject_id": str(row.subject_id), "flow_id": str(row.flow_id)}


def branch_shape(branch: Branch) -> dict[str, Any]:
    """Return a stretch of a tried call."""
    return {"when": branch.when, "told": [vars(line) for line in branch.told], "steps": list(branch.steps)}
