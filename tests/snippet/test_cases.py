"""The table of cases in the snippet's docs names tests that are there."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
DOCS = TESTS.parent / "docs" / "snippet.md"


def rows() -> list[tuple[str, str]]:
    table = DOCS.read_text("utf-8").partition("## What is shown by which page")[2]
    return re.findall(r"^\| (?!case )([^|-][^|]*) \| ([^|]*) \|$", table, re.MULTILINE)


def test_the_table_is_read() -> None:
    assert len(rows()) >= 30


@pytest.mark.parametrize(("case", "shown_by"), rows(), ids=lambda text: text[:30])
def test_what_shows_a_case_is_there(case: str, shown_by: str) -> None:
    words = re.findall(r"`([\w/]+(?:\.\.\.)?)`", shown_by)
    assert words, case
    written = ""
    for word in words:
        if re.search(r"(^|/)test_\w+$", word) or word == "tests/snippet":
            file = TESTS / (word if "/" in word else f"snippet/{word}")
            written = "" if word == "tests/snippet" else file.with_suffix(".py").read_text("utf-8")
        elif word != "page":
            ends = "" if word.endswith("...") else r"\("
            defined = rf"^def test_{word.removesuffix('...')}{ends}"
            assert re.search(defined, written, re.MULTILINE), (case, word)
