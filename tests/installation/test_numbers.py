"""Numbers in a page as our server reads it: as the snippet takes them, and what it leaves alone."""

import pytest

from calltrack.installation.numbers import Written, found_among, look_for
from calltrack.installation.page import read_page
from tests.snippet.test_swap import FOREIGN, NOTATIONS

ROME = "+390669940001"


@pytest.mark.parametrize("text", [before for before, _ in NOTATIONS])
def test_every_notation_the_snippet_takes_is_found(text: str) -> None:
    assert look_for(text, ROME).taken >= 1


@pytest.mark.parametrize("text", FOREIGN)
def test_what_the_snippet_leaves_alone_is_not_counted_as_replaced(text: str) -> None:
    assert look_for(text, ROME).taken == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("06 6994 0001-23", Written(extension=1)),
        ("06 6994 00012", Written(extension=1)),
        ("06 | 6994 | 0001", Written(odd=1)),
        ("06_6994_0001", Written(odd=1)),
        ("Roma: 6994 0001", Written(without_prefix=1)),
        ("02 6994 0001", Written()),
        ("+41 06 6994 0001", Written()),
        ("", Written()),
    ],
)
def test_a_number_written_otherwise_is_told_with_the_reason(text: str, found: Written) -> None:
    assert look_for(text, ROME) == found


def test_a_page_is_read_as_the_snippet_reads_it() -> None:
    page = read_page(
        """<!doctype html><html><head><title>06 6994 0001</title>
        <script type="application/ld+json">{"telephone": "06 6994 0001"}</script></head><body>
        <p>Chiama <b>06</b> 6994&nbsp;<i>00</i>01</p><a href="tel:+390669940001">chiama</a>
        <textarea>06 6994 0001</textarea><div data-ct-noswap><div>06 6994 0001</div>x</div><p>dopo</p>
        <img src="/img/06-69940001.png" alt="telefono"><img class="foto ct-number" alt="06 6994 0001">
        <iframe src="https://maps.example.org/x"></iframe><iframe src="/ours"></iframe>
        <!-- <script src="https://calls.example.com/ct.js"></script> --></body>""",
        "https://www.prova.test/",
    )
    assert look_for(page.text, ROME).taken == 1
    assert "dopo" in page.text
    assert (look_for(page.linked, ROME).taken, look_for(page.structured, ROME).taken) == (1, 1)
    assert look_for(page.kept_out, ROME).taken == 2
    assert [shown for words, shown in page.pictures if look_for(words, ROME).taken] == [False, True]
    assert page.frames == ["https://maps.example.org"]
    assert (page.tags, page.is_commented) == ([], True)


@pytest.mark.parametrize(
    "odd", ["https://[cdn]/a.js", "//[object Object]/ct.js", "http://exa\u2100mple/ct.js"]
)
def test_an_address_that_is_none_keeps_nothing_else_from_being_read(odd: str) -> None:
    page = read_page(
        f"""<![foo[x]]><base href="{odd}"><img src="{odd}"><iframe src="{odd}"></iframe>
        <script src="{odd}" data-site="k"></script>
        <script src="/ct.js" data-site="k"></script>06 6994 0001""",
        "https://www.prova.test/",
    )
    assert look_for(page.text, ROME).taken == 1
    assert [tag.src for tag in page.tags] == ["https://www.prova.test/ct.js"]


def test_the_numbers_of_a_pool_are_found_among_others() -> None:
    own = [f"+3906876500{last:02}" for last in range(30)]
    assert found_among("Tel. 06/8765.0007 o 02 123456", own) == ["+390687650007"]
