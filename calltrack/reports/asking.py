"""What somebody asks of a report, read from an address (pages, API, mails): words in, a question out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, Literal
from urllib.parse import urlencode

from calltrack.kernel.errors import BadInput
from calltrack.kernel.origin import NONE, UNKNOWN
from calltrack.kernel.origin import NOT_KNOWN as NO_VISIT
from calltrack.reports.day_sql import ALONE, NOT_KNOWN
from calltrack.reports.days import last_of, month_of
from calltrack.reports.dimensions import DETAILS, DIMENSIONS, USUAL, Dimension
from calltrack.reports.figures import COLUMNS, OF_SPEND

PERIODS: Final = {
    "today": "Today so far",
    "yesterday": "Yesterday",
    "7d": "7 days",
    "30d": "30 days",
    "90d": "90 days",
    "week": "Last week",
    "month": "Last month",
    "12m": "12 months",
}
USUAL_PERIOD: Final = "30d"
COMPARED: Final = {"before": "the time before", "year": "a year before", "none": "nothing"}
Compare = Literal["before", "year", "none"]
Step = Literal["day", "week", "month"]
LONGEST: Final = 5 * 366
LITTLE: Final = 28
PARTS: Final = ("ad_group", "keyword")
_SPELT: Final = {"": NONE, NOT_KNOWN: NO_VISIT}
_READ: Final = {spelt: word for word, spelt in _SPELT.items()}
LONGEST_WORD: Final = 900


@dataclass(frozen=True)
class Stretch:
    """Whole days of the company's time zone, both included."""

    since: date
    until: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.until - self.since).days + 1


@dataclass(frozen=True)
class Asked:
    """One question. Empty words (`source`, `medium`, `campaign`) ask for all; see `kernel/origin.py`.

    `within` names another dimension and one of its details: the sources of one landing page.
    """

    dimension: Dimension
    period: str
    now: Stretch
    before: Stretch | None
    is_open: bool
    """Whether its last day is not over."""
    source: str = ""
    medium: str = ""
    campaign: str = ""
    within: tuple[str, str] | None = None
    same: tuple[str, ...] = ()
    """All words under which the detail of `within` is stored, see `ad_groups.py`; empty: its own only."""
    segment: str = ""
    """A segment's id in hex: only what its persons did is counted."""
    sort: str = "calls"
    rises: bool = False
    compare: Compare = "before"
    since: str = ""
    until: str = ""

    @property
    def tells_change(self) -> bool:
        """Whether what changed can be said: an unfinished day weighs little in four weeks."""
        return not self.is_open or self.now.days >= LITTLE

    @property
    def stored(self) -> str:
        """Which rows answer it."""
        if self.within:
            return self.within[0]
        is_alone = self.dimension.is_detail and not (self.source or self.medium or self.campaign)
        return self.dimension.stored + (ALONE if is_alone else "")

    @property
    def has_visits(self) -> bool:
        """Whether visits can be told apart so."""
        return self.dimension.has_visits and (not self.within or DIMENSIONS[self.within[0]].has_visits)

    @property
    def has_spend(self) -> bool:
        """Whether spend can be told apart so: by campaign, ad group, keyword; not by page, hour, person.

        Within a number it is not: of one campaign's spend no part is known that is of a number.
        """
        is_told = not self.within or self.within[0] in PARTS
        return self.dimension.has_spend and is_told and not self.segment

    @property
    def details(self) -> list[str]:
        """The words under which the detail of `within` is stored."""
        return list(self.same or (self.within[1:] if self.within else ()))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that make sense."""
        return tuple(
            name
            for name in COLUMNS
            if (name != "visits" or self.has_visits) and (name not in OF_SPEND or self.has_spend)
        )

    @property
    def step(self) -> Step:
        """How wide the bars of its chart are."""
        return "day" if self.now.days <= 45 else "week" if self.now.days <= 200 else "month"

    def words(self) -> dict[str, str]:
        """Return the filters as an address spells them."""
        told = {"source": self.source, "medium": self.medium, "campaign": self.campaign}
        told["segment"] = self.segment
        if self.within:
            # What is empty must not look like no filter.
            told[self.within[0]] = _SPELT.get(self.within[1], self.within[1])
        return {name: value for name, value in told.items() if value}

    def address(self, **other: str) -> str:
        """Return the whole question as an address's query, with some of it told otherwise."""
        told = self.words() | {"period": self.period, "sort": self.sort, "compare": self.compare}
        if self.period == "days":
            told |= {"since": self.now.since.isoformat(), "until": self.now.until.isoformat()}
        if self.rises:
            told["order"] = "up"
        return urlencode({name: value for name, value in (told | other).items() if value})


def read_asked(args: Mapping[str, str], dimension: str, today: date) -> Asked:
    """Read a question; `today` is the company's day.

    Raises:
        BadInput: a word that is not known, days that are none, or filters that cannot be combined.
    """
    if dimension not in DIMENSIONS:
        raise BadInput(f"A report is by one of {', '.join(DIMENSIONS)}.")
    by, compare = DIMENSIONS[dimension], args.get("compare") or "before"
    if compare not in COMPARED:
        raise BadInput(f"compare is one of {', '.join(COMPARED)}.")
    period, now = read_period(args, today)
    asked = Asked(
        by, period, now, _before(period, now, compare), now.until >= today,
        *read_words(args), within=_within(args, by),
        segment=_word(args, "segment").replace("-", "").lower(), rises=args.get("order") == "up",
        compare=compare,  # type: ignore[arg-type]  # looked up in COMPARED
    )  # fmt: skip
    sort = args.get("sort") or "calls"
    if sort not in COLUMNS:
        raise BadInput(f"sort is one of {', '.join(asked.columns)}.")
    return replace(asked, sort=sort if sort in asked.columns else "calls")


def read_words(args: Mapping[str, str]) -> tuple[str, str, str]:
    """Read the filters for source, medium and campaign as they were typed; empty ones ask for all."""
    return _word(args, "source").lower(), _word(args, "medium").lower(), _word(args, "campaign")


def stored_words(source: str, medium: str, campaign: str) -> tuple[str | None, str | None, str | None]:
    """Return the filters as tables hold the words: None asks for all, an empty one for what has none."""
    return (
        "" if source == UNKNOWN else source or None,
        "" if medium == NONE else medium or None,
        "" if campaign == NONE else campaign or None,
    )


def words_told(source: str, medium: str, campaign: str) -> list[str]:
    """Return the filters in words, those that are set."""
    told = (("source", source), ("medium", medium), ("campaign", campaign))
    return [f"{name} {word}" for name, word in told if word]


def usual(dimension: str = USUAL) -> str:
    """Return the dimension, or the usual one where there is no such."""
    return dimension if dimension in DIMENSIONS else USUAL


def read_period(
    args: Mapping[str, str], today: date, usual_period: str = USUAL_PERIOD
) -> tuple[str, Stretch]:
    """Read a period: a named one, or `days` from `since` to `until`, which count before a name.

    A form that showed days says so (`shown=days`): who then chooses a name in it wants that one.

    Raises:
        BadInput: it is none, or a longer one than is counted; the text says what to ask for.
    """
    since, until = args.get("since", ""), args.get("until", "")
    is_renamed = args.get("shown") == "days" and args.get("period")
    if is_renamed or (not since and not until):
        period = args.get("period") or usual_period
        if period not in PERIODS:
            raise BadInput(f"period is one of {', '.join(PERIODS)}; or give since and until.")
        return period, stretch_of(period, today)
    first = _day(since or until)
    last = _day(until) if until else today
    if last < first:
        raise BadInput("The period ends before it begins; swap since and until.")
    if (last - first).days >= LONGEST:
        raise BadInput(f"A report covers at most {LONGEST} days; ask for a shorter period.")
    return "days", Stretch(first, last)


def stretch_of(period: str, today: date) -> Stretch:
    """Return the days of a named period, the same on every page.

    `7d`, `30d` and `90d` are so many days of which today is the last, `12m` the eleven months before this one
    and this one so far; `yesterday`, `week` and `month` are over.
    """
    yesterday = today - timedelta(days=1)
    if period == "today":
        return Stretch(today, today)
    if period == "yesterday":
        return Stretch(yesterday, yesterday)
    if period == "week":
        sunday = today - timedelta(days=today.isoweekday())
        return Stretch(sunday - timedelta(days=6), sunday)
    if period == "month":
        return Stretch(_back(month_of(today), 1), month_of(today) - timedelta(days=1))
    if period == "12m":
        return Stretch(_back(month_of(today), 11), today)
    return Stretch(today - timedelta(days=int(period.removesuffix("d")) - 1), today)


def stretch_before(period: str, now: Stretch) -> Stretch:
    """Return what a period is compared with: months with the same ones before, days with as many days."""
    if period == "12m":
        return Stretch(_year_before(now.since), _year_before(now.until))
    until = now.since - timedelta(days=1)
    if period == "month":
        return Stretch(_back(now.since, 1), until)
    return Stretch(now.since - timedelta(days=now.days), until)


def _before(period: str, now: Stretch, compare: str) -> Stretch | None:
    if compare == "none":
        return None
    if compare == "year":
        return Stretch(_year_before(now.since), _year_before(now.until))
    return stretch_before(period, now)


def _within(args: Mapping[str, str], by: Dimension) -> tuple[str, str] | None:
    told = [(name, value) for name in DETAILS if (value := args.get(name, "").strip()[:LONGEST_WORD])]
    if not told:
        return None
    (name, value), *more = told
    if more or (by.is_detail and by.id != name):
        first, second = DIMENSIONS[name], DIMENSIONS[more[0][0]] if more else by
        raise BadInput(
            f"{first.name} and {second.name.lower()} are not counted together; ask for the sources, media or "
            f"campaigns of one {first.name.lower()}, or take one filter away."
        )
    if name in ("location", "number"):
        value = value.replace("-", "").lower()
    if name == "hour" and value.isdecimal():
        value = value.zfill(3)
    return name, _READ.get(value, value)


def _word(args: Mapping[str, str], name: str) -> str:
    return args.get(name, "").strip()[:LONGEST_WORD]


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text[:32]!r} is not a day; write it like 2026-11-20.") from None
    if not 2000 <= found.year <= 2200:
        raise BadInput(f"{text[:32]!r} is too far away; ask for days between 2000 and 2200.")
    return found


def _back(month: date, count: int) -> date:
    months = month.year * 12 + month.month - 1 - count
    return date(months // 12, months % 12 + 1, 1)


def _year_before(day: date) -> date:
    """Return the same day a year before; the last of February stays the last of February."""
    if day.month == 2 and day == last_of(month_of(day)):
        return last_of(date(day.year - 1, 2, 1))
    return day.replace(year=day.year - 1)
