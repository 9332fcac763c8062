from dataclasses import replace

import pytest

from calltrack.attribution.densities import DAY, NEUTRAL, Model
from calltrack.attribution.drift import SHARES, within_bounds
from calltrack.attribution.model_figures import (
    PARTS,
    campaigns,
    differences,
    figures_of,
    parts_in_words,
    unwanted,
)
from calltrack.attribution.prior import shipped, survival

SHIPPED = shipped()


def values(model: Model) -> dict[str, float]:
    return {one.code: one.value for one in figures_of(model)}


def test_the_shipped_model_in_figures() -> None:
    found = values(SHIPPED)
    forgotten = survival(40 * DAY)
    assert found["within_minute"] == pytest.approx((1 - survival(60)) / (1 - forgotten))
    assert found["within_hour"] == pytest.approx((1 - survival(3600)) / (1 - forgotten))
    assert found["within_day"] == pytest.approx((1 - survival(DAY)) / (1 - forgotten))
    assert found["after_leaving"] == pytest.approx(500 / 30 * (1 - forgotten))
    assert found["on_screen"] == pytest.approx(500 / 30 * 120 / 160)
    assert found["after_tap"] == pytest.approx(0.518, abs=0.001)
    assert found["contact_page"] == pytest.approx(1.8 / 0.7)
    assert found["unwanted"] == pytest.approx(0.02 * 28)


def test_only_what_anybody_would_notice_is_a_change() -> None:
    model = replace(
        SHIPPED,
        tap=tuple(rate * 1.5 for rate in SHIPPED.tap),
        nobody_elsewhere=SHIPPED.nobody_elsewhere * 1.01,
    )
    noticed = [one.figure.code for one in differences(model, SHIPPED) if one.is_noticed]
    assert noticed == ["after_tap"]
    assert not any(one.is_noticed for one in differences(SHIPPED, SHIPPED))


def test_numbers_and_campaigns_come_with_the_greatest_first() -> None:
    model = replace(
        SHIPPED, nobody={"a": 1 / DAY, "b": 3 / DAY}, campaigns={"x": NEUTRAL, "y": (1.0, 2.0, 1.0)}
    )
    assert [(number, round(calls)) for number, calls in unwanted(model)] == [("b", 84), ("a", 28)]
    assert campaigns(model) == (("y", 2.0), ("x", 1.0))


def test_every_part_that_can_be_held_has_words() -> None:
    model = replace(SHIPPED, campaigns={"a": NEUTRAL}, nobody={"a": 1e-6})
    told = model.to_json()
    wild = {name: told[name] + 0.2 if name in SHARES else _tripled(told[name]) for name in PARTS}
    _, held = within_bounds(model, Model.from_json(told | wild))
    assert set(held) == set(PARTS)
    assert not set(parts_in_words(list(held))) & set(PARTS)


def _tripled(value: object) -> object:
    if isinstance(value, dict):
        return {name: _tripled(one) for name, one in value.items()}
    if isinstance(value, tuple):
        return tuple(_tripled(one) for one in value)
    assert isinstance(value, float)
    return value * 3
