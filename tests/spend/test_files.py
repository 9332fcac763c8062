"""Files and entries: read line by line, spread exactly, and the same again changes nothing."""

import io
import zipfile
from datetime import date, timedelta
from uuid import UUID

import openpyxl
import pytest
from sqlalchemy.orm import Session

from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.money import Money
from calltrack.kernel.origin import campaign_key
from calltrack.spend import files
from calltrack.spend.entries import add_entry, remove_entry
from calltrack.spend.file_rules import Plan, guess, read_line
from calltrack.spend.queries import spend_by_campaign, spend_by_day, spend_by_week
from calltrack.spend.rules import read_days
from calltrack.spend.tables import read_table
from tests.spend.world import World

EXPORT = """Giorno;Nome campagna;Importo speso (EUR);Clic sul link;utm_source;utm_medium;utm_campaign
01/11/2026;Estate;1.234,50;10;TikTok;paid_social;estate
02/11/2026;Estate;0,5;1;TikTok;paid_social;estate
02/11/2026;Estate;0,25;2;TikTok;paid_social;estate
99/11/2026;Estate;3,00;1;;;
03/11/2026;;3,00;1;;;
03/11/2026;Inverno;gratis;1;;;
2026-12;Inverno;100,00;31;;;
"""


def store(world: World, content: bytes, name: str = "tiktok.csv") -> UUID:
    with world.services.db.tenant(world.company.id) as session:
        return files.store_file(session, world.company.id, content, name, "test", world.now())


def apply(world: World, file_id: UUID) -> tuple[int, int, int]:
    with world.services.db.tenant(world.company.id) as session:
        kept = files.apply(session, world.company.id, file_id, "test", world.now())
    return kept.new, kept.changed, kept.same


def test_a_file_is_looked_at_line_by_line_and_applied_once(world: World) -> None:
    id_ = world.company.id
    first = store(world, EXPORT.encode("cp1252"))
    with world.services.db.tenant(id_) as session:
        lines = files.look_at(files.locked(session, id_, first))
    assert [one.number for one in lines if one.problem] == [5, 6, 7]
    assert "like 2026-11-30" in lines[3].problem
    assert lines[4].problem == "This line names no campaign."
    assert "not an amount" in lines[5].problem
    assert apply(world, first) == (33, 0, 0)
    assert world.rows("SELECT count(*) FROM spend_change") == [(0,)]
    again = store(world, EXPORT.encode("cp1252"), "again.csv")
    with world.services.db.tenant(id_) as session:
        row = files.locked(session, id_, again)
        before = files.seen_before(session, row)
        assert before is not None
        assert before.id == first
        files.change_plan(session, id_, again, {"account": "tiktok"})
    assert apply(world, again) == (0, 0, 33), "a repeated file changes nothing"
    with world.services.db.tenant(id_) as session:
        months = {
            row.name: (row.cost_minor, row.clicks, row.campaign_key)
            for row in spend_by_campaign(session, id_, date(2026, 11, 1), date(2026, 12, 31))
        }
        december = spend_by_day(session, id_, date(2026, 12, 1), date(2026, 12, 31))
        weeks = spend_by_week(session, id_, date(2026, 12, 1), date(2026, 12, 31))
    key = campaign_key("tiktok", "paid_social", "estate")
    assert months == {"Estate": (123_525, 13, key), "Inverno": (10_000, 31, "")}
    assert {row.cost_minor for row in december} == {322, 323}
    assert sum(row.cost_minor for row in weeks) == sum(row.cost_minor for row in december) == 10_000
    third = store(world, b"day,campaign,cost\n2026-11-01,Estate,1000\n", "tiktok.csv")
    assert apply(world, third) == (0, 1, 0)
    assert world.changes() == [("2026-11-01", 1_234_500_000, 1_000_000_000)]


GOOGLES = """Campaign report
{days}
Day{0}Campaign{0}Campaign ID{0}Currency code{0}Cost{0}Clicks
2026-11-01{0}Brand{0}123{0}EUR{0}{cost}{0}7
Total: Account{0} --{0} --{0}EUR{0}{cost}{0}7
"""


@pytest.mark.parametrize(
    ("between", "days", "cost", "encoding"),
    [
        (",", '"November 1, 2026 - November 30, 2026"', '"1,234.56"', "utf-8"),
        ("\t", "November 1, 2026 - November 30, 2026", "1234.56", "utf-16"),
    ],
)
def test_the_titles_above_an_export_of_google_are_no_columns(
    between: str, days: str, cost: str, encoding: str
) -> None:
    text = GOOGLES.format(between, days=days, cost=cost)
    header, lines = read_table(text.encode(encoding))
    plan = guess(header, [cells for _, cells in lines], "IT")
    assert [number for number, _ in lines] == [4, 5]
    assert read_line(lines[0][1], plan).cost_minor == 123_456
    with pytest.raises(BadInput, match="'Total: Account' is not a day"):
        read_line(lines[1][1], plan)


def test_a_number_of_a_sheet_is_no_thousands(world: World) -> None:
    book = openpyxl.Workbook()
    for row in (["Report"], ["Día", "Campaña", "Coste"], [date(2026, 11, 3), "Radio", 1.234]):
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    assert apply(world, store(world, content.getvalue(), "radio.xlsx")) == (1, 0, 0)
    assert world.rows("SELECT cost_micros FROM spend_day") == [(1_230_000,)]


def test_a_workbook_reads_as_its_sheet_means_it(world: World) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append([None])
    sheet.append(["Day", "Campaign ID", "Campaign name", "Cost", "Impressions", None])
    sheet.append([date(2026, 11, 3), 4711.0, "Radio", 12.5, 1000, None])
    sheet.append(["=1+1", "x", "Radio", 12.5, 1000, None])
    content = io.BytesIO()
    book.save(content)
    first = store(world, content.getvalue(), "radio.xlsx")
    assert apply(world, first) == (1, 0, 0)
    assert world.rows("SELECT external_id, name FROM spend_campaign") == [("4711", "Radio")]
    assert world.costs() == {"2026-11-03": 12_500_000}


def test_a_damaged_workbook_is_refused_in_words() -> None:
    book, content = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["Day", "Campaign", "Cost"])
    book.active.append(["2026-11-01", "A", 1])
    book.save(content)
    damaged = io.BytesIO()
    with zipfile.ZipFile(content) as whole, zipfile.ZipFile(damaged, "w") as other:
        for one in whole.infolist():
            piece = whole.read(one)
            other.writestr(one.filename, piece[:-40] if "sheet1" in one.filename else piece)
    for broken in (damaged.getvalue(), content.getvalue()[:-700] + b"\0" * 700):
        with pytest.raises(BadInput, match="no workbook we can read"):
            read_table(broken)


def test_a_workbook_that_repeats_or_hides_its_lines_is_not_read_in_part() -> None:
    wide, gaps = openpyxl.Workbook(write_only=True), openpyxl.Workbook(write_only=True)
    rows = wide.create_sheet()
    rows.append([f"c{place}" for place in range(90)])
    for _ in range(480):
        rows.append(["x" * 500] * 90)
    rows = gaps.create_sheet()
    for row in [["Day", "Campaign", "Cost"], *[["2026-11-01", "A", 1], []] * 10_101]:
        rows.append(row)
    for book, said in ((wide, "more text than we read"), (gaps, "more than 20,000 lines")):
        content = io.BytesIO()
        book.save(content)
        with pytest.raises(BadInput, match=said):
            read_table(content.getvalue())


def test_an_absurd_cost_is_a_wrong_line_and_sums_that_do_not_fit_are_refused(world: World) -> None:
    lines = "".join(f"2026-11-01,B,{10**9}.00\n" for _ in range(2))
    huge = store(world, f"day,campaign,cost\n2026-11-01,A,{'9' * 30}.123\n2026-11-01,A,1\n{lines}".encode())
    with world.services.db.tenant(world.company.id) as session:
        seen = files.look_at(files.locked(session, world.company.id, huge))
    assert [bool(one.problem) for one in seen] == [True, False, False, False]
    with pytest.raises(BadInput, match="'B' costs absurdly much on one day"):
        apply(world, huge)
    assert world.costs() == {}


def test_a_currency_that_the_file_names_is_taken(world: World) -> None:
    titled = store(world, b"Day,Campaign name,Amount spent (USD),Link clicks\n2026-11-01,A,1.50,37.0\n")
    beside = store(world, b"day,campaign,cost,currency\n2026-11-01,A,1.50,CHF\n", "chf.csv")
    mixed = store(world, b"day,campaign,cost,currency\n2026-11-01,A,1,CHF\n2026-11-01,A,1,USD\n", "m.csv")
    with world.services.db.tenant(world.company.id) as session:
        rows = [files.locked(session, world.company.id, id_) for id_ in (titled, beside, mixed)]
        assert [row.plan["currency"] for row in rows] == ["USD", "CHF", "EUR"]
        (line,) = files.look_at(rows[0])
    assert line.says is not None
    assert (line.says.cost_minor, line.says.clicks) == (150, 37)


def test_what_cannot_be_a_table_is_refused_in_words(world: World) -> None:
    for content, said in (
        (b"PK\x03\x04 no workbook", "no workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel"),
        (b"\x00\x01\x02", "not a text file"),
        (b"day,campaign,cost\n", "no lines"),
        (b"x" * (5 * 1024 * 1024 + 1), "larger than 5 MB"),
        (b"day,cost\n" + b"2026-11-01,1\n" * 20_001, "more than 20,000 lines"),
    ):
        with pytest.raises(BadInput, match=said):
            read_table(content)
    draft = store(world, b"when,what\n2026-11-01,1\n")
    with pytest.raises(BadInput, match="Choose the columns for: Day"):
        apply(world, draft)
    wish = {"columns": {"day": 0, "cost": 1, "campaign": 1}}
    with world.services.db.tenant(world.company.id) as session, pytest.raises(BadInput, match="Two values"):
        files.change_plan(session, world.company.id, draft, wish)
    wrong = store(world, b"day,campaign,cost,currency\n2026-11-01,A,1,???\n")
    with pytest.raises(BadInput, match="No line of this file can be used"):
        apply(world, wrong)
    other = store(world, b"day,campaign,cost\n2026-11-01,A,1\n", "usd.csv")
    assert apply(world, other) == (1, 0, 0)
    with world.services.db.tenant(world.company.id) as session:
        files.change_plan(session, world.company.id, other, {"currency": "USD"})
    with pytest.raises(Conflict, match="use another name"):
        apply(world, other)
    with world.services.db.tenant(world.company.id) as session:
        assert files.forget_files(session, world.company.id, world.now() - timedelta(days=90)) == 0
        files.remove(session, world.company.id, other, "test", world.now())
        with pytest.raises(NotFound):
            files.locked(session, world.company.id, other)
        assert files.forget_files(session, world.company.id, world.now() + timedelta(days=90)) == 2
    assert world.costs() == {"2026-11-01": 1_000_000}, "what it told stays"


@pytest.mark.parametrize(
    ("cost", "mark", "minor"),
    [
        ("850", "", 85_000), ("1.234,50", ",", 123_450), ("1,234.50", ".", 123_450), ("€ 12,30", "", 1_230),
        ("12.345678", "", 1_235), ("12,3449", ",", 1_234), ("0", "", 0),
    ],
)  # fmt: skip
def test_costs_as_platforms_write_them(cost: str, mark: str, minor: int) -> None:
    plan = Plan(columns={"day": 0, "campaign": 1, "cost": 2}, mark=mark, account="x")  # type: ignore[arg-type]
    assert read_line(["2026-11-01", "A", cost], plan).cost_minor == minor


def test_columns_are_guessed_in_five_languages() -> None:
    for header in (
        ["Day", "Campaign", "Amount spent (EUR)"], ["Tag", "Kampagne", "Kosten"],
        ["Giorno", "Campagna", "Spesa"], ["Jour", "Campagne", "Coût"], ["Fecha", "Campaña", "Gasto"],
    ):  # fmt: skip
        assert guess(header, [["01/02/2026", "A", "1"]], "IT").columns == {"day": 0, "campaign": 1, "cost": 2}
    assert guess(["Date"], [["02/28/2026"]], "IT").day_first is False


def test_a_billboards_months_add_up_and_go_again(world: World) -> None:
    id_, key = world.company.id, campaign_key("billboard", "offline", "Tangenziale Est")
    first, last = date(2026, 11, 1), date(2026, 11, 30)

    def add(session: Session, key: str, days: str, minor: int, name: str = "Tangenziale Est") -> UUID:
        cost = Money(minor, "EUR")
        return add_entry(session, id_, name, key, read_days(days), cost, "contract 12", "test", world.now())

    with world.services.db.tenant(id_) as session:
        november = add(session, key, "2026-11", 100_000)
        add(session, "", "2026-11-30", 1)
        (row,) = spend_by_campaign(session, id_, first, last)
        assert (row.cost_minor, row.campaign_key, row.platform) == (100_001, key, "manual")
        remove_entry(session, id_, november, "test", world.now())
        (row,) = spend_by_campaign(session, id_, first, last)
        assert (row.cost_minor, row.campaign_key) == (1, key)
        with pytest.raises(NotFound):
            remove_entry(session, id_, november, "test", world.now())
        with pytest.raises(BadInput, match="more than nothing"):
            add(session, "", "2026-11", 0, "Radio")
    assert len(world.changes()) == 1 + 30, "what the days cost before stays as history"
