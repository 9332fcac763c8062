"""Files encrypted in pieces (AES-256-GCM), so that any range can be read without the rest.

Each file has a random key of its own and never changes: a nonce is the number of its piece. That number, and
whether it is the last one, are authenticated: pieces cannot be swapped, cut off or moved to another file.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from calltrack.infra.crypto import Unreadable

PIECE = 65_536
TAG = 16


def new_file_key() -> bytes:
    """Return a random key for one file."""
    return os.urandom(32)


def write_sealed(path: Path, key: bytes, place: str, chunks: Iterable[bytes]) -> int:
    """Write the chunks encrypted and return how many plain bytes; the file appears whole, or not at all.

    `place` names what the file is; it is needed again for reading. Raises OSError when the disk is full.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    cipher, total = AESGCM(key), 0
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for number, (piece, is_last) in enumerate(_pieces(chunks)):
                file.write(cipher.encrypt(_nonce(number), piece, _name(place, number, is_last)))
                total += len(piece)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return total


def read_sealed(path: Path, key: bytes, place: str, total: int, start: int, stop: int) -> Iterator[bytes]:
    """Yield the plain bytes from `start` up to `stop` of a file that holds `total`.

    Raises:
        FileNotFoundError: it is gone.
        Unreadable: it was changed, or the key or place is another's.
    """
    cipher, last = AESGCM(key), _last_piece(total)
    with path.open("rb") as file:
        file.seek((start // PIECE) * (PIECE + TAG))
        for number in range(start // PIECE, -(-stop // PIECE)):
            sealed = file.read(PIECE + TAG)
            try:
                piece = cipher.decrypt(_nonce(number), sealed, _name(place, number, number == last))
            except (InvalidTag, ValueError):
                raise Unreadable(f"a sealed file of {place} was changed") from None
            begins = number * PIECE
            yield piece[max(start - begins, 0) : stop - begins]


def _pieces(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Cut into pieces of one size; the last one (perhaps empty, where there is nothing) is marked."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) > PIECE:
            yield bytes(held[:PIECE]), False
            del held[:PIECE]
    yield bytes(held), True


def _last_piece(total: int) -> int:
    return max(-(-total // PIECE) - 1, 0)


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _name(place: str, number: int, is_last: bool) -> bytes:
    return f"{place}/{number}/{'last' if is_last else 'more'}".encode()
