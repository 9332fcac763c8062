"""Which model judges a company's calls: one tiny read for each call, the model itself from memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.attribution.densities import Model
from calltrack.attribution.model_rows import AttributionModel
from calltrack.attribution.prior import shipped
from calltrack.kernel.errors import NotFound

# A model of 30 campaigns and 50 numbers takes some 30 kB.
MOST_KEPT: Final = 500
JUDGES: Final = ("serving", "pinned")
SHIPPED: Final = shipped()
_kept: OrderedDict[tuple[UUID, str], Model] = OrderedDict()
_turn: Final = threading.Lock()


def serving_model(session: Session, company_id: UUID) -> Model:
    """Return the model that judges the company's calls; the shipped one until it has learnt."""
    version = serving_version(session, company_id)
    return SHIPPED if version is None else model_of(session, company_id, version)


def serving_version(session: Session, company_id: UUID) -> str | None:
    """Return the version that judges the company's calls; None: the shipped model does."""
    return session.scalar(
        select(AttributionModel.version).where(
            AttributionModel.company_id == company_id, AttributionModel.state.in_(JUDGES)
        )
    )


def model_of(session: Session, company_id: UUID, version: str) -> Model:
    """Return a version of the company's model. Versions are written once, so memory is never stale.

    Raises:
        NotFound: the company has no such version.
    """
    key = (company_id, version)
    with _turn:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    stored = session.scalar(
        select(AttributionModel.parameters).where(
            AttributionModel.company_id == company_id, AttributionModel.version == version
        )
    )
    if stored is None:
        if version == SHIPPED.version:
            return SHIPPED
        raise NotFound("There is no such version of the attribution model.")
    model = Model.from_json(stored)
    with _turn:
        _kept[key] = model
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return model
