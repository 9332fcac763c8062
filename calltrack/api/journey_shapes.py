"""What the views over journeys look like over the API."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field


class WaitedShape(BaseModel):
    """How long it took: half of them, and nine of ten, within these spans."""

    count: int
    half: str
    most: str


class StepShape(BaseModel):
    """A stage."""

    stage: str
    reached: Annotated[int, Field(description="Who reached it or a higher one.")]
    now: Annotated[int, Field(description="Who is in it.")]
    share_of_all: float | None
    share_of_before: float | None
    waited: WaitedShape | None


class OutcomesShape(BaseModel):
    """What became of journeys; a buyer is a lead, too."""

    journeys: int
    leads: int
    buyers: int
    value_minor: int
    by_stage: list[int]


class SourceShape(BaseModel):
    """One source of first touches."""

    source: str
    medium: str
    outcomes: OutcomesShape


class FunnelShape(BaseModel):
    """The stage funnel."""

    steps: list[StepShape]
    whole: OutcomesShape
    sources: list[SourceShape]


class NodeShape(BaseModel):
    """A source, a first page or a stage; its name is empty for the rest."""

    kind: str
    name: str
    medium: str
    is_other: bool
    persons: int


class FlowShape(BaseModel):
    """So many went from a node to the next: places in `nodes`."""

    start: int
    end: int
    persons: int


class SankeyShape(BaseModel):
    """The flow of all journeys; each kind of node adds up to all of them."""

    nodes: list[NodeShape]
    flows: list[FlowShape]
    persons: int


class StopShape(BaseModel):
    """A touchpoint at which journeys stopped."""

    kind: str
    detail: str
    persons: int


class PagesShape(BaseModel):
    """How many pages they had seen."""

    pages: str
    persons: int


class FrictionShape(BaseModel):
    """Where those stopped who are no leads."""

    persons: int
    kinds: list[StopShape]
    details: list[StopShape]
    pages: list[PagesShape]


class PathShape(BaseModel):
    """Touches before a purchase or a lead."""

    kind: str
    touches: Annotated[list[str], Field(description="Such as visit:google / cpc, call, missed, form.")]
    persons: int
    value_minor: int


class PathsShape(BaseModel):
    """The most frequent paths."""

    paths: list[PathShape]
    leads: int
    buyers: int


class CohortShape(BaseModel):
    """A week of first touches (of more than 100 days: a month); within 1, 7 and 30 days of it."""

    week: date
    outcomes: OutcomesShape
    leads_within: list[int]
    buyers_within: list[int]


class CohortsShape(BaseModel):
    """Weeks, newest first, and how long leads and purchases took."""

    weeks: list[CohortShape]
    times: dict[str, list[tuple[str, int]]]
