"""The call flows a voice process knows: read once per version, because a version never changes."""

from functools import lru_cache
from uuid import UUID

import msgspec

from calltrack.callflows.checks import read_flow
from calltrack.callflows.steps import Flow
from calltrack.infra.log import log
from calltrack.kernel.errors import BadInput


class FlowRow(msgspec.Struct, frozen=True):
    """A version of a company's flow as it is stored (JSON)."""

    company_id: UUID
    version: UUID
    definition: str


class FlowBook:
    """All versions that answer calls now or did in the last day."""

    def __init__(self, rows: list[FlowRow]) -> None:
        """Read the flows; one that cannot be read is left out, and its callers reach the location's line."""
        self._flows: dict[tuple[UUID, UUID], Flow] = {}
        for row in rows:
            flow = _read(row.version, row.definition)
            if flow is not None:
                self._flows[row.company_id, row.version] = flow

    def find(self, company_id: UUID, version: UUID | None) -> Flow | None:
        """Return a version of this company's flows; None when there is none."""
        return self._flows.get((company_id, version)) if version is not None else None


@lru_cache(maxsize=8192)
def _read(version: UUID, definition: str) -> Flow | None:
    try:
        return read_flow(msgspec.json.decode(definition))
    except (BadInput, msgspec.MsgspecError) as problem:
        log.error("call flow version %s cannot be read: %s", version, problem)
        return None
