"""Files are read to the last decimal, and a line that makes no sense is named with what to write instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.budgets.constraints_reading import read_constraints, read_split
from calltrack.budgets.history import history_of
from calltrack.budgets.history_reading import read_history
from calltrack.kernel.errors import BadInput

HEADER = "week,campaign,spend,conversions,value\n"
GOOD = "2026-11-02,brand,100.50,3,900\n2026-11-09,brand,0,0.7,0\n2026-11-09,rome,7,1e-1,12.3456\n"


def test_rows_become_budgets_by_weeks() -> None:
    history = history_of(read_history((HEADER + GOOD).splitlines(keepends=True), 100))
    assert history.names == ("brand", "rome")
    assert history.spend.tolist() == [[10050, 0], [0, 700]]
    assert history.conversions.tolist() == [[3, 0.7], [0, 0.1]]
    assert history.value.tolist()[1] == [0, 1234.56]
    assert history.today() == (0, 700)


@pytest.mark.parametrize(
    "text",
    [
        "value;week;conversions;note;campaign;spend\n5;1;2;x;a;10\n7;3;0;;a;10.5\n",
        "\ufeffWeek, Campaign, Spend, Conversions, Value\r\n1, a, 10, 2, 5\r\n\r\n3, a, 10.5, 0, 7\r\n",
        HEADER + '1,"a",10,2,5\n3,a,10.5,0,7\n',
        HEADER + "2026-W53,a,10,2,5\n2027-W02,a,10.5,0,7\n",
        HEADER + "2026-12-30,a,10,2,5\n2027-01-13,a,10.5,0,7\n",
    ],
)
def test_other_ways_to_write_the_same(text: str) -> None:
    history = history_of(read_history(text.splitlines(keepends=True), 100))
    assert history.spend.tolist() == [[1000, 0, 1050]]
    assert history.value.tolist() == [[500, 0, 700]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Line 1: the columns week, campaign, spend, conversions, value cannot be found"),
        ("week,campaign,spend,value\n", "Line 1: the column conversions cannot be found"),
        (HEADER, "There are no lines below"),
        (HEADER + "1,a,1,1\n", "Line 2: there are 4 values, but the first line names 5"),
        (HEADER + "1,a,10,5,1,1\n", "Line 2: there are 6 values, but the first line names 5"),
        (HEADER.replace(",", ";") + "1;a;10,5;1;1\n", "Line 2: spend is '10,5'"),
        (HEADER + "1,a,1,1,1\n\n1,b,-2,1,1\n", "Line 4: spend is '-2'"),
        (HEADER + "1,a,1,nan,1\n", "Line 2: conversions is 'nan'"),
        (HEADER + "1,a,1,1,inf\n", "Line 2: value is 'inf'"),
        (HEADER + "1,a,1_0,1,1\n", "Line 2: spend is '1_0'"),
        (HEADER + "1,a,,1,1\n", "Line 2: spend is ''"),
        (HEADER + "1,a,1e99,1,1\n", "Line 2: spend is absurdly large"),
        (HEADER + "1,,1,1,1\n", "Line 2: the campaign has no name"),
        (HEADER + "tuesday,a,1,1,1\n", "Line 2: week is 'tuesday'"),
        (HEADER + "2026-02-30,a,1,1,1\n", "Line 2: week is '2026-02-30'"),
        (HEADER + "2026-W54,a,1,1,1\n", "Line 2: week is '2026-W54'"),
        (HEADER + "1,a,1,1,1\n2026-11-02,a,1,1,1\n", "Line 3: week is '2026-11-02'"),
        (HEADER + "2026-11-02,a,1,1,1\n2026-11-10,a,1,1,1\n", "Line 3: week is '2026-11-10'"),
        (HEADER + "1,a,1,1,1\n1,a,2,1,1\n", "Line 3: this week of 'a' stands already on line 2"),
        (HEADER + "1,a,1,1,1\n99999,a,1,1,1\n", "Line 3: this week is 99998 weeks after that on line 2"),
        (HEADER + '1,"a,1,1,1\n', "this is not CSV"),
        (HEADER + "1,a,5,1,1\n2,a,0,1,1\n", "Nothing was spent in the newest week"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(text: str, said: str) -> None:
    with pytest.raises(BadInput) as problem:
        read_history(text.splitlines(keepends=True), 100)
    assert said in str(problem.value)


@given(text=st.text(alphabet='1,;a"\n-WTZ.e ', max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        rows = read_history((HEADER + text).splitlines(keepends=True), 100)
    except BadInput:
        return
    assert rows
    assert all(row.spend >= 0 and row.conversions >= 0 for row in rows)


def test_constraints_are_read_in_minor_units() -> None:
    text = """{"floors": {"shared": 10.5}, "caps": {"c": 7}, "locked": ["c"], "most_change": 0.2,
               "groups": {"shared": ["a", "b"]}, "late_share": 0.3}"""
    found = read_constraints(text, {"a", "b", "c"}, 100)
    assert (found.floors, found.caps) == ({"shared": 1050}, {"c": 700})
    assert found.locked == {"c"}
    assert (float(found.most_change), found.late_share) == (0.2, 0.3)
    assert found.groups == {"shared": ("a", "b")}
    assert read_split('{"shared": 3}', ("c", "shared"), found.groups, 100) == {"shared": 300}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "must be one JSON object"),
        ("{", "cannot be read as JSON, line 1"),
        ("[" * 100_000, "cannot be read as JSON"),
        ('{"floor": {}}', "know no 'floor'"),
        ('{"floors": {"a": 1, "a": 2}}', "'a' stands there twice"),
        ('{"floors": ["a"]}', "floors is an object"),
        ('{"floors": {"x": 1}}', "floors names 'x', which is no campaign"),
        ('{"floors": {"a": -1}}', "floors of 'a' is not an amount"),
        ('{"floors": {"a": true}}', "floors of 'a' is not an amount"),
        ('{"floors": {"a": NaN}}', "NaN is not an amount"),
        ('{"caps": {"a": 0.001}}', "finer than the currency's minor unit"),
        ('{"floors": {"a": 5}, "caps": {"a": 4}}', "the floor of 'a' is above its cap"),
        ('{"locked": "a"}', "locked is a list"),
        ('{"most_change": 0.5}', "most_change is a share from 0 to 0.3"),
        ('{"late_share": 1}', "late_share is a share from 0 to 0.9"),
        ('{"groups": {"g": ["x"]}}', "groups name 'x'"),
        ('{"groups": {"g": ["a"], "h": ["a"]}}', "'a' is in two groups"),
        ('{"groups": {"b": ["a"]}}', "called like a campaign outside of it"),
        ('{"groups": {"g": ["a"]}, "floors": {"a": 1}}', "in floors name the group 'g'"),
    ],
)
def test_constraints_that_make_no_sense_are_named(text: str, said: str) -> None:
    with pytest.raises(BadInput) as problem:
        read_constraints(text, {"a", "b"}, 100)
    assert said in str(problem.value)
