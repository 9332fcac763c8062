"""Visits, calls and evidence with defaults, and hypothesis strategies of them; second 0 is a Monday."""

from typing import Any

from hypothesis import strategies as st

from calltrack.attribution.facts import CallAt, Candidate, Earlier, Evidence, Holding, Posterior

NOW = 40 * 86_400.0 + 11 * 3600


def holding(name: str = "v1", gone: float | None = None, *, stayed: float = 120.0, **more: Any) -> Holding:
    """A visit that left so many seconds before NOW; None: still on screen."""
    last_seen = NOW - (gone or 0.0)
    given: dict[str, Any] = {
        "visit": name,
        "visitor": f"visitor of {name}",
        "campaign": "roma",
        "source": "google",
        "shown_from": last_seen - stayed,
        "last_seen": last_seen,
        "left": gone is not None,
    }
    return Holding(**(given | more))


def told(*visits: tuple[Holding, float], p_nobody: float | None = None) -> Posterior:
    """A posterior as it was found for an earlier call."""
    listed = tuple(
        Candidate(visit=row.visit, visitor=row.visitor, campaign=row.campaign, source=row.source, p=p)
        for row, p in visits
    )

    def sums(key: str) -> dict[str, float]:
        found: dict[str, float] = {}
        for row, p in visits:
            found[getattr(row, key)] = found.get(getattr(row, key), 0.0) + p
        return found

    return Posterior(
        candidates=listed,
        p_nobody=1 - sum(p for _, p in visits) if p_nobody is None else p_nobody,
        by_visitor=sums("visitor"),
        by_campaign=sums("campaign"),
        by_source=sums("source"),
    )


def evidence(*holdings: Holding, **more: Any) -> Evidence:
    """A call at NOW from an unknown phone."""
    given: dict[str, Any] = {
        "call": CallAt(at=NOW, number="n1", caller="+3906", region="RM"),
        "holdings": holdings,
    }
    return Evidence(**(given | more))


ages = st.floats(0, 35 * 86_400.0)
moments = ages.map(lambda age: NOW - age)
words = st.sampled_from(["", "roma", "milano", "brand"])


@st.composite
def holdings(draw: st.DrawFn) -> list[Holding]:
    """Up to a dozen visits of any age."""
    rows = []
    for place in range(draw(st.integers(0, 12))):
        gone = draw(st.none() | ages)
        row = holding(
            f"v{place}",
            gone,
            stayed=draw(st.floats(0, 4000)),
            visitor=f"p{draw(st.integers(0, 5))}",
            campaign=draw(words),
            source=draw(st.sampled_from(["", "google", "bing"])),
            device=draw(st.sampled_from(["mobile", "desktop"])),
            region=draw(st.sampled_from(["", "RM", "MI"])),
            taps=tuple(sorted(draw(st.lists(moments, max_size=2)))),
            copied_at=draw(st.none() | moments),
            contact_at=draw(st.none() | moments),
            returning=draw(st.booleans()),
        )
        rows.append(row)
    return rows


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    """Any call: withheld, unknown or known, with earlier calls by the same and by other phones."""
    rows = draw(holdings())
    caller = draw(st.none() | st.just("+3906"))
    earlier = []
    for same in draw(st.lists(st.booleans(), max_size=4)):
        shares = draw(st.lists(st.floats(0.01, 1), min_size=len(rows) + 1, max_size=len(rows) + 1))
        whole = sum(shares)
        known = told(*((row, p / whole) for row, p in zip(rows, shares[1:], strict=True)))
        earlier.append(Earlier(at=NOW - draw(ages), posterior=known, same_caller=same and caller is not None))
    sure = st.dictionaries(st.sampled_from([f"p{n}" for n in range(6)]), st.floats(0, 1))
    return evidence(
        *rows,
        call=CallAt(at=NOW, number="n1", caller=caller, region=draw(st.sampled_from(["", "RM", "XX"]))),
        earlier=tuple(earlier),
        linked=draw(sure) if caller else {},
        taken=draw(sure),
        caller_is_known=caller is not None and (draw(st.booleans()) or any(e.same_caller for e in earlier)),
        known_callers=draw(st.integers(0, 3000)),
    )
