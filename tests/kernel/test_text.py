"""What people write is kept as they meant it."""

import pytest

from calltrack.kernel.text import as_written


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("  Richiamare\r\ndomani ", "Richiamare\ndomani"),
        ("Mario\u00a0Rossi\tRoma", "Mario Rossi Roma"),
        ("👩\u200d🔧 می\u200cخواهم", "👩\u200d🔧 می\u200cخواهم"),
        ("a\u0000b\u202ec\ud800", "abc"),
        ("\u200b\n\t", ""),
    ],
)
def test_only_marks_that_deceive_are_dropped(written: str, kept: str) -> None:
    assert as_written(written) == kept
