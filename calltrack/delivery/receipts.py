"""The comparison with a platform that counts by receipt: what each request brought, there and here."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from calltrack.delivery.our_counts import Ours, Receipt
from calltrack.delivery.trip import AT_ONCE, Trip
from calltrack.destinations.base import Tally
from calltrack.destinations.outcomes import Outcome
from calltrack.infra.parallel import at_once

# Asked about in one comparison: they are done within a fact's lease and far below any platform's limit.
MOST_RECEIPTS: Final = 120
COULD_NOT_BE_READ: Final = "The platform's counters could not be read."


def receipts_compared(trip: Trip, receipts: Sequence[Receipt], ours: Ours, *, of: int) -> tuple[Ours, Tally]:
    """Ask about each receipt; returns our counts and theirs of those that were told, like beside like.

    `of` is how many receipts the day has in all. `ours`, the day's own counts, stands where nothing was told.
    """
    if not receipts:
        return Ours(0, 0, ours.rejected), Tally(0, 0, 0, "Nothing was taken for a later verdict that day.")
    pairs: list[tuple[Receipt, Tally]] = []
    for start in range(0, len(receipts), AT_ONCE):
        some = receipts[start : start + AT_ONCE]
        told = at_once([partial(_told, trip, one.id) for one in some])
        failed = next((one for one in told if isinstance(one, Outcome)), None)
        if failed is not None:
            return ours, Tally(note=failed.message)
        pairs += [(ask, one) for ask, one in zip(some, told, strict=True) if isinstance(one, Tally)]
    if not pairs:
        return ours, Tally(note=COULD_NOT_BE_READ)
    return _added(pairs, of)


def _told(trip: Trip, receipt_id: str) -> Tally | Outcome | None:
    return trip.courier.counts_of(trip.destination, trip.settings, receipt_id, trip.now(), trip.keep)


def _added(pairs: Sequence[tuple[Receipt, Tally]], of: int) -> tuple[Ours, Tally]:
    receipts, told = [one for one, _ in pairs], [one for _, one in pairs]
    received = sum(one.received or 0 for one in told)
    counted, refused = sum(one.counted or 0 for one in told), sum(one.refused or 0 for one in told)
    words = "the day's 1 receipt" if of == 1 else f"the day's {of} receipts"
    note = f"Counted over {words}" if len(pairs) == of else f"Counted over {len(pairs)} of {words}"
    if pending := received - counted - refused:
        note += f"; {pending} still being processed"
    ours = Ours(
        sum(one.carried for one in receipts),
        sum(one.confirmed for one in receipts),
        sum(one.rejected for one in receipts),
    )
    return ours, Tally(received, counted, refused, f"{note}.")
