"""Reads what a company wants kept from a JSON file, in words that name what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from calltrack.budgets.limits import MOST_CHANGE, Constraints
from calltrack.kernel.errors import BadInput

KEYS = ("floors", "caps", "locked", "groups", "most_change", "late_share")
LARGEST = 10**12


def read_constraints(text: str, campaigns: Collection[str], minor: int) -> Constraints:
    """Return the constraints of a file; amounts in it are in units of the currency.

    Raises:
        BadInput: it is no JSON object, holds an unknown key, campaign or amount, or contradicts itself.
    """
    found = _object(text, "The constraints")
    if unknown := sorted(set(found) - set(KEYS)):
        raise BadInput(f"Constraints know no {unknown[0]!r}; they have {', '.join(KEYS)}.")
    groups = _groups(found.get("groups", {}), campaigns)
    shared = {campaign: group for group, members in groups.items() for campaign in members}
    budgets = {*groups, *(set(campaigns) - set(shared))}
    made = Constraints(
        floors=read_amounts(found.get("floors", {}), "floors", budgets, shared, minor),
        caps=read_amounts(found.get("caps", {}), "caps", budgets, shared, minor),
        locked=frozenset(
            _budget(name, "locked", budgets, shared) for name in _names(found.get("locked", []), "locked")
        ),
        groups=groups,
        most_change=Fraction(_share(found, "most_change", Decimal("0.3"), MOST_CHANGE)),
        late_share=float(_share(found, "late_share", Decimal(0), Fraction(9, 10))),
    )
    for name, floor in made.floors.items():
        if floor > made.caps.get(name, floor):
            raise BadInput(f"Constraints: the floor of {name!r} is above its cap.")
    return made


def read_split(
    text: str, budgets: Collection[str], groups: Mapping[str, tuple[str, ...]], minor: int
) -> dict[str, int]:
    """Return a split to try from a JSON object of budgets and amounts; budgets it leaves out keep today's.

    Raises:
        BadInput: it is no such object, or names an unknown budget.
    """
    shared = {campaign: group for group, members in groups.items() for campaign in members}
    return read_amounts(_object(text, "The split"), "The split", set(budgets), shared, minor)


def read_amounts(
    value: Any, key: str, budgets: Collection[str], shared: Mapping[str, str], minor: int
) -> dict[str, int]:
    """Return amounts by budget in whole minor units."""
    if not isinstance(value, dict):
        raise BadInput(f'Constraints: {key} is an object of campaigns and amounts, such as {{"brand": 100}}.')
    found = {}
    for name, amount in value.items():
        if isinstance(amount, bool) or not isinstance(amount, int | Decimal) or not 0 <= amount <= LARGEST:
            raise BadInput(
                f"Constraints: {key} of {name!r} is not an amount from 0 on; write it like 100.50."
            )
        exact = Decimal(amount) * minor
        if exact != exact.to_integral_value():
            raise BadInput(
                f"Constraints: {key} of {name!r} is finer than the currency's minor unit; round it."
            )
        found[_budget(name, key, budgets, shared)] = int(exact)
    return found


def _object(text: str, what: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise BadInput(f"{what}: {twice!r} stands there twice.")
        return dict(pairs)

    try:
        found = json.loads(text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=once)
    except (json.JSONDecodeError, RecursionError) as problem:
        line = f", line {problem.lineno}" if isinstance(problem, json.JSONDecodeError) else ""
        raise BadInput(f"{what} cannot be read as JSON{line}.") from None
    if not isinstance(found, dict):
        raise BadInput(f"{what} must be one JSON object, such as {{}}.")
    return found


def _no_constant(word: str) -> Any:
    raise BadInput(f"{word} is not an amount.")


def _groups(value: Any, campaigns: Collection[str]) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise BadInput('Constraints: groups is an object of names and campaigns, {"shared": ["a", "b"]}.')
    groups: dict[str, tuple[str, ...]] = {}
    taken: dict[str, str] = {}
    for group, members in value.items():
        groups[group] = tuple(_names(members, f"groups of {group!r}"))
        if group in campaigns and group not in groups[group]:
            raise BadInput(f"Constraints: the group {group!r} is called like a campaign outside of it.")
        for name in groups[group]:
            if name not in campaigns:
                raise BadInput(f"Constraints: groups name {name!r}, which is no campaign of the history.")
            if taken.setdefault(name, group) != group:
                raise BadInput(f"Constraints: {name!r} is in two groups, {taken[name]!r} and {group!r}.")
    return groups


def _names(value: Any, key: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise BadInput(f'Constraints: {key} is a list of campaigns, such as ["brand"].')
    return list(dict.fromkeys(value))


def _budget(name: str, key: str, budgets: Collection[str], shared: Mapping[str, str]) -> str:
    if name in budgets:
        return name
    if name in shared:
        raise BadInput(f"Constraints: {name!r} shares a budget; in {key} name the group {shared[name]!r}.")
    raise BadInput(f"Constraints: {key} names {name!r}, which is no campaign of the history.")


def _share(found: Mapping[str, Any], key: str, default: Decimal, most: Fraction) -> Decimal:
    value = found.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= most:
        raise BadInput(f"Constraints: {key} is a share from 0 to {float(most):g}.")
    return Decimal(value)
