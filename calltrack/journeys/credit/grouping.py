"""Equal paths become one: journeys by the million as a few hundred thousand distinct rows."""

import numpy as np

from calltrack.journeys.credit.paths import Floats, Paths, Places, Totals, joined, summed

WORD = 1 << 62
"""What a number that stands for several touches must stay below."""
AT_ONCE = 500_000


def packed(
    channels: tuple[str, ...],
    touches: Places,
    lengths: Places,
    conversions: Floats,
    nulls: Floats,
    value_minor: Places,
) -> Paths:
    """Return journeys that stand in arrays as paths, equal ones added up.

    `touches` are places in `channels`, end to end in any whole-number type; there is one entry of the other
    arrays for each journey, and no journey is empty. So many are looked at at once that memory stays small.
    """
    parts = []
    begin = 0
    for at in range(0, len(lengths), AT_ONCE):
        here = slice(at, at + AT_ONCE)
        some = lengths[here].astype(np.int64)
        end = begin + int(some.sum())
        worth = value_minor[here].astype(np.float64)
        converted, lost = conversions[here].astype(np.float64), nulls[here].astype(np.float64)
        totals = Totals(float(converted.sum()), float(lost.sum()), int(value_minor[here].sum(dtype=np.int64)))
        told = Paths(
            channels=channels,
            touches=touches[begin:end].astype(np.int64),
            starts=np.cumsum(some) - some,
            conversions=converted,
            nulls=lost,
            values=worth,
            totals=totals,
        )
        parts.append(grouped(told))
        begin = end
    if len(parts) == 1:
        return parts[0]
    together = joined(parts)
    parts.clear()
    return grouped(together)


def grouped(paths: Paths) -> Paths:
    """Return the same journeys with each distinct path once, in the order of their first appearance."""
    if not len(paths.starts):
        return paths
    ids, count = _ids(paths)
    # Written from the last to the first, the first of equal paths is what stays.
    first = np.empty(count, np.int64)
    first[ids[::-1]] = np.arange(len(ids))[::-1]
    order = np.argsort(first)
    place = np.empty(count, np.int64)
    place[order] = np.arange(count)
    rows, first = place[ids], first[order]
    lengths = paths.lengths
    kept = lengths[first]
    starts = np.cumsum(kept) - kept
    return Paths(
        channels=paths.channels,
        touches=_touches_of(paths, first, kept),
        starts=starts,
        conversions=summed(rows, paths.conversions, count),
        nulls=summed(rows, paths.nulls, count),
        values=summed(rows, paths.values, count),
        totals=paths.totals,
        decayed=_decayed(paths, starts[rows], int(kept.sum())),
    )


def _touches_of(paths: Paths, rows: Places, lengths: Places) -> Places:
    """Return the touches of some paths end to end; so many at once that their places stay few."""
    found = np.empty(int(lengths.sum()), np.int64)
    done = 0
    for at in range(0, len(rows), AT_ONCE):
        kept = lengths[at : at + AT_ONCE]
        starts = np.cumsum(kept) - kept
        places = np.repeat(paths.starts[rows[at : at + AT_ONCE]] - starts, kept)
        places += np.arange(len(places))
        found[done : done + len(places)] = paths.touches[places]
        done += len(places)
    return found


def _decayed(paths: Paths, starts: Places, size: int) -> tuple[Floats, Floats] | None:
    if paths.decayed is None:
        return None
    place = np.repeat(starts, paths.lengths) + paths.place_in_path()
    conversions, values = paths.decayed
    return summed(place, conversions, size), summed(place, values, size)


def _ids(paths: Paths) -> tuple[Places, int]:
    """Return a number for each path, the same for equal ones, and how many numbers there are.

    As many touches as a whole number holds are one word; paths of more words are told apart word by word.
    """
    base, lengths = len(paths.channels) + 1, paths.lengths
    digits = 1
    while base ** (digits + 1) < WORD:
        digits += 1
    ids, count = _numbered(_words(paths, lengths, 0, digits, base))
    longer = np.flatnonzero(lengths > digits)
    start = digits
    while len(longer):
        # Shorter paths keep their numbers: the longer ones get new ones, above all those there are.
        next_, many = _numbered(_words(paths, lengths, start, digits, base)[longer])
        fresh, more = _numbered(ids[longer] * many + next_)
        ids[longer] = count + fresh
        count += more
        start += digits
        longer = np.flatnonzero(lengths > start)
    return _numbered(ids)


def _words(paths: Paths, lengths: Places, start: int, digits: int, base: int) -> Places:
    """Return touches `start` up to `start + digits` of each path as digits of one number."""
    words = np.zeros(len(lengths), np.int64)
    weight = 1
    there = np.flatnonzero(lengths > start)
    for at in range(start, start + digits):
        there = there[lengths[there] > at]
        if not len(there):
            break
        words[there] += (paths.touches[paths.starts[there] + at] + 1) * weight
        weight *= base
    return words


def _numbered(values: Places) -> tuple[Places, int]:
    distinct, places = np.unique(values, return_inverse=True)
    return places.astype(np.int64, copy=False), len(distinct)
