"""A day's paths as a few bytes and back, to the last digit."""

import struct
import zlib
from collections.abc import Sequence

import numpy as np

from calltrack.journeys.credit.paths import Paths, Totals

HEAD = struct.Struct("<BII")
VERSION = 1
QUICK = 1


def pack(paths: Paths) -> bytes:
    """Return the paths as bytes, without their channels' names and totals.

    Columns end to end, little-endian: lengths and touches as 32-bit numbers, then conversions, nulls, values
    and the two columns of time decay as 64-bit floats.
    """
    decayed = paths.decayed or (np.zeros(len(paths.touches)), np.zeros(len(paths.touches)))
    columns = [paths.lengths.astype("<u4"), paths.touches.astype("<u4")]
    floats = [part.astype("<f8") for part in (paths.conversions, paths.nulls, paths.values, *decayed)]
    whole = b"".join(part.tobytes() for part in (*columns, *floats))
    return HEAD.pack(VERSION, len(paths.starts), len(paths.touches)) + zlib.compress(whole, QUICK)


def unpack(packed: bytes, channels: Sequence[str], totals: Totals) -> Paths:
    """Return the paths that `pack` wrote."""
    version, rows, touches = HEAD.unpack_from(packed)
    if version != VERSION:
        raise ValueError(f"Paths of form {version} cannot be read.")
    whole = zlib.decompress(packed[HEAD.size :])
    lengths = np.frombuffer(whole, "<u4", rows).astype(np.int64)
    at = 4 * rows
    placed = np.frombuffer(whole, "<u4", touches, at).astype(np.int64)
    at += 4 * touches
    floats = []
    for count in (rows, rows, rows, touches, touches):
        floats.append(np.frombuffer(whole, "<f8", count, at))
        at += 8 * count
    return Paths(
        channels=tuple(channels),
        touches=placed,
        starts=np.cumsum(lengths) - lengths,
        conversions=floats[0],
        nulls=floats[1],
        values=floats[2],
        totals=totals,
        decayed=(floats[3], floats[4]),
    )
