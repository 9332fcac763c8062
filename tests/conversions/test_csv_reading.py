"""Files as people save them: encodings, delimiters, headers, guesses, results no spreadsheet runs."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.conversions.csv_reading import (
    Shape,
    check_columns,
    guess,
    line_of,
    name_for,
    read_lines,
    read_shape,
    safe_cell,
)  # fmt: skip
from calltrack.conversions.csv_titles import TITLES
from calltrack.conversions.reading import NAMES
from calltrack.kernel.errors import BadInput

LINES = [["Telefono", "Importo €", "Città"], ["+39 347 1234567", "1.234,50", "Forlì"], ["06 1", "7", "Roma"]]


def file_of(rows: list[list[str]], delimiter: str = ";", encoding: str = "utf-8", end: str = "\r\n") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(rows)
    return text.getvalue().encode(encoding)


def read(content: bytes) -> tuple[Shape, list[tuple[int, list[str]]]]:
    file = io.BytesIO(content)
    shape = read_shape(file)
    return shape, list(read_lines(file, shape))


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_every_usual_way_of_saving_is_read(delimiter: str, encoding: str, end: str) -> None:
    shape, lines = read(file_of(LINES, delimiter, encoding, end))
    assert (shape.delimiter, list(shape.header)) == (delimiter, LINES[0])
    assert lines == [(2, LINES[1]), (3, LINES[2])]


def test_excels_mark_line_and_empty_lines_are_no_lines_of_values() -> None:
    shape, lines = read(b"sep=;\r\nphone;value\r\n\r\n1;2\r\n;\r\n3;4\r\n")
    assert shape.header == ("phone", "value")
    assert lines == [(4, ["1", "2"]), (6, ["3", "4"])]


def test_line_breaks_and_delimiters_inside_quotes_belong_to_the_cell() -> None:
    _, lines = read(b'phone,reason\n1,"said:\nno, thanks"\n2,x\n')
    assert [cells for _, cells in lines] == [["1", "said:\nno, thanks"], ["2", "x"]]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "no lines"), (b"phone,value\n", "no lines"), (b"PK\x03\x04....", "spreadsheet"),
     (b"\xd0\xcf\x11\xe0\xa1", "spreadsheet"), (b"phone\x00,value\n1,2\n", "not a text file"),
     (b"\n\n", "no lines"), (",".join("x" * 201).encode() + b"\n" + b"1,2\n", "columns")],
)  # fmt: skip
def test_what_is_no_file_of_outcomes_says_so(content: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read(content)


def test_columns_without_a_name_and_of_the_same_name_are_told_apart() -> None:
    shape, _ = read(b"phone,,phone\n1,2,3\n")
    assert shape.header == ("phone", "column 2", "phone (3)")


@pytest.mark.parametrize(
    ("title", "name"),
    [("Phone Number", "phone"), ("TELEFONO", "phone"), ("Rufnummer", "phone"), ("call_id", "call_id"),
     ("GCLID", "gclid"), ("Google Click ID", "gclid"), ("Betrag", "value"), ("Importo", "value"),
     ("Deal Stage", "outcome"), ("Close Date", "occurred_at"), ("Order ID", "order_id"),
     ("PLZ", "postal_code"), ("Währung", "currency"), ("Città", "city"), ("E-Mail", "email"),
     ("li_fat_id", "li_fat_id"), ("Favourite colour", ""), ("", "")],
)  # fmt: skip
def test_titles_are_recognised(title: str, name: str) -> None:
    assert name_for(title) == name


def test_every_title_means_a_value_we_have() -> None:
    assert set(TITLES.values()) <= set(NAMES)


def test_a_crms_own_id_is_not_taken_for_ours() -> None:
    ours = "0190a0b0c0d07e0f8a1b2c3d4e5f6071"
    assert "id" not in guess(["id", "phone"], [["17", "1"]], "IT").columns
    assert guess(["id", "phone"], [[ours, "1"]], "IT").columns["id"] == 0


def test_marks_and_dates_are_guessed_from_the_values() -> None:
    found = guess(["Data", "Importo"], [["05/06/2026", "1.200"], ["13/06/2026", "3,50"]], "US")
    assert (found.columns, found.mark, found.day_first) == ({"occurred_at": 0, "value": 1}, ",", True)


@pytest.mark.parametrize(
    ("columns", "said"),
    [({"phone": 0}, "what happened"), ({"outcome": 0}, "leads to a call"),
     ({"phone": 0, "outcome": 9}, "not in"), ({"phone": 0, "shoe": 1}, "no value of this name")],
)  # fmt: skip
def test_columns_with_which_no_line_could_be_read_are_refused(columns: dict[str, int], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        check_columns(columns, 2, has_outcome=False)


@pytest.mark.parametrize("cell", ["=1+1", "+39347", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_run_as_a_formula(cell: str) -> None:
    assert safe_cell(cell) == f"'{cell}"
    assert next(csv.reader(io.StringIO(line_of(["x", cell]), newline=""))) == ["x", f"'{cell}"]


CELLS = st.text(
    st.characters(codec="utf-8", exclude_characters=";|\t\x00\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
)


@given(st.lists(st.lists(CELLS.map(str.strip), min_size=3, max_size=3), min_size=1, max_size=8))
def test_what_is_written_as_csv_is_read_back(rows: list[list[str]]) -> None:
    _, lines = read(file_of([["a", "b", "c"], *rows, ["x", "y", "z"]], ","))
    assert [cells for _, cells in lines] == [*(row for row in rows if any(row)), ["x", "y", "z"]]
