"""Parts of statements: how a call mass fades, and how likely a visit is to call (`numbers/masses.py` in SQL).

Moments are seconds since 1970 as double precision. Sums stand for the beginning of a window of 30 hours, so
that most rows of a pool fade by the same five factors, and a choice multiplies and raises no exponentials.
PostgreSQL refuses results too small for a double: exponents end at -600, and less than 1e-30 is stored as 0.
"""

FADES = (180, 1_200, 7_200, 43_200, 345_600)
PARTS = (0.45, 0.18, 0.24, 0.055, 0.075)
SUMS = ("sum_1", "sum_2", "sum_3", "sum_4", "sum_5")
OWN = ("own_1", "own_2", "own_3", "own_4", "own_5")
WINDOW = 108_000
_LEAST = -600


def window(now: str) -> str:
    """Return the beginning of the window a moment lies in."""
    return f"floor({now} / {WINDOW}) * {WINDOW}"


def factor(at: str, now: str, place: int) -> str:
    """Return what a sum that stands for `at` counts `now`: its part, faded."""
    return f"{PARTS[place]} * exp(GREATEST(({at} - {now}) / {FADES[place]}, {_LEAST}))"


def moved(value: str, at: str, place: int) -> str:
    """Return a sum that stood for `at` as it stands for the window v_w."""
    faded = f"{value} * exp(LEAST(GREATEST(({at} - v_w) / {FADES[place]}, {_LEAST}), 0))"
    return (
        f"CASE WHEN {at} = v_w THEN {value} WHEN {value} > 1e-30 AND {faded} > 1e-30 THEN {faded} ELSE 0 END"
    )


def due(weight: str, place: int) -> str:
    """Return a call that is due now (v_t) as it stands for the window v_w."""
    return f"{weight} * exp((v_t - v_w) / {FADES[place]})"


def left(row: str, names: tuple[str, ...]) -> str:
    """Return the calls still to come of a row's five sums, by the factors of its window."""

    def dot(factors: list[str]) -> str:
        return " + ".join(f"{one} * {row}.{name}" for one, name in zip(factors, names, strict=True) if one)

    this, last = ([f"v_{when}_{place}" for place in range(1, 6)] for when in ("now", "last"))
    older = ["", "", *(factor(f"{row}.summed_at", "v_t", place) for place in (2, 3, 4))]
    return (
        f"CASE {row}.summed_at WHEN v_w THEN {dot(this)} WHEN v_w - {WINDOW} THEN {dot(last)} "
        f"ELSE {dot(older)} END"
    )


def weight(stayed: str, contact: str, copied: str, called: str) -> str:
    """Return how likely a visit is to call."""
    return (
        f"(CASE WHEN {stayed} < 10 THEN 0.05::float8 WHEN {stayed} < 60 THEN 0.4::float8 "
        f"WHEN {stayed} < 300 THEN 1.0::float8 ELSE 1.4::float8 END"
        f" * CASE WHEN {contact} THEN 2.5::float8 ELSE 1 END * CASE WHEN {copied} THEN 4.0::float8 ELSE 1 END"
        f" * CASE WHEN {called} THEN 0.12::float8 ELSE 1 END)"
    )


def seconds(moment: str) -> str:
    """Return a moment as seconds since 1970."""
    return f"date_part('epoch', {moment})"
