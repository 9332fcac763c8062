"""Reads one outcome from named texts (a JSON object, a form, a line of a file) into a `Told`. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

import phonenumbers

from calltrack.conversions.amounts import Mark, read_amount
from calltrack.conversions.moments import Moment, read_moment
from calltrack.conversions.told import CLICK_IDS, OUTCOMES, Clues, Contact, Said, Told
from calltrack.kernel.errors import BadFields, BadInput
from calltrack.kernel.money import currency_code
from calltrack.kernel.phone import to_e164
from calltrack.kernel.touch import clean_click_id

LONGEST_ORDER = 128
LONGEST_REASON = 300
LONGEST_PART = 200
AHEAD = timedelta(minutes=10)
# A day without a time stands at its noon, which may still come.
A_DAY_AHEAD = timedelta(hours=24)
IDS = ("id", "call_id", "conversion_id", "person_id")
CONTACT = ("email", "first_name", "last_name", "name", "city", "postal_code", "country")
# Every name a value can have; all are optional but `outcome`, which may have a default.
NAMES = (
    "outcome", "value", "currency", "occurred_at", "order_id", "reason", "called_back_at", "called_at",
    *IDS, *CLICK_IDS, "call_sid", "phone", *CONTACT,
)  # fmt: skip
# Other words for the five outcomes, as CRMs and people write them (en, de, it, fr, es).
_WORDS: tuple[tuple[Said, str], ...] = (
    ("lead", "lead qualified opportunity open offer quote interessent anfrage angebot contatto preventivo"),
    ("lead", "prospect devis oportunidad"),
    ("purchase", "purchase sale sold won closedwon bought booked order customer completed paid converted"),
    ("purchase", "kauf verkauft verkauf gewonnen auftrag kunde abgeschlossen bezahlt"),
    ("purchase", "acquisto venduto vendita vinto vinta ordine cliente pagato"),
    ("purchase", "vendu gagne achat client vendido ganado compra"),
    ("none", "none no lost closedlost notacustomer wrongnumber spam unqualified disqualified nothing"),
    ("none", "verloren kein keins falschverbunden perso persa nessuno noncliente perdu perdido"),
    ("refund", "refund refunded partialrefund erstattet erstattung rimborso rimborsato rembourse"),
    ("refund", "remboursement reembolso"),
    ("cancelled", "cancelled canceled cancellation cancel returned reversed storniert storno annulliert"),
    ("cancelled", "annullato annullata annule cancelado"),
)
WORDS: dict[str, Said] = {word: said for said, words in _WORDS for word in words.split()}


@dataclass(frozen=True, kw_only=True)
class Ways:
    """How texts are to be read: the company's currency, country and zone, and what holds for a whole file."""

    currency: str
    country: str
    zone: str
    mark: Mark | None = None
    day_first: bool = True
    outcome: Said | None = None


T = TypeVar("T")


@dataclass(frozen=True)
class _Sheet:
    """Texts being read, and what is wrong with them."""

    texts: Mapping[str, str]
    problems: dict[str, str]

    def read(self, name: str, reader: Callable[[str], T], nothing: T) -> T:
        if name not in self.texts:
            return nothing
        try:
            return reader(self.texts[name])
        except BadInput as problem:
            self.problems[name] = str(problem)
            return nothing


def read_told(texts: Mapping[str, str], ways: Ways, now: datetime) -> Told:
    """Read one outcome; names that are not ours are ignored, empty texts count as not told.

    Raises:
        BadFields: something cannot be read; every wrong value is named with what to change.
    """
    told = {name: text.strip() for name, text in texts.items() if name in NAMES and text.strip()}
    sheet = _Sheet(told, {})
    read, problems = sheet.read, sheet.problems

    outcome = read("outcome", read_outcome, ways.outcome)
    if outcome is None and "outcome" not in problems:
        problems["outcome"] = f"Say what happened: {', '.join(OUTCOMES)}."
    currency = read("currency", currency_code, ways.currency)
    value = read("value", lambda text: read_amount(text, currency, ways.mark).minor, None)
    happened = read("occurred_at", lambda text: _past(text, ways, now), None)
    called = read("called_at", lambda text: _past(text, ways, now), None)
    back = read("called_back_at", lambda text: _past(text, ways, now), None)
    ids = tuple(filter(None, (read(name, _id, None) for name in IDS)))
    clicks = {name: click for name in CLICK_IDS if (click := read(name, _click, ""))}
    phone = read("phone", lambda text: read_phone(text, ways.country), "")
    order_id = read("order_id", lambda text: _bounded(text, LONGEST_ORDER), "")
    contact = _contact(told, ways)
    if outcome == "purchase" and value is None and "value" not in problems:
        problems["value"] = "A purchase needs its value; write it like 850 or 850.50."
    if outcome in ("lead", "none", "cancelled"):
        # What a CRM adds to every row says nothing about a lead; it is no reason to refuse it.
        value = None
    clues = Clues(
        ids=ids, clicks=clicks, call_sid=read("call_sid", lambda text: _bounded(text, 64), ""), phone=phone,
        called_at=called.at if called else None, day_only=bool(called and called.day_only),
    )  # fmt: skip
    if not clues.any and not order_id and not problems:
        problems["id"] = (
            "Nothing leads to a call: send an id of ours, a click id, the call's SID, or the caller's phone."
        )
    if problems or outcome is None:
        raise BadFields(" ".join(f"{name}: {problem}" for name, problem in problems.items()), problems)
    return Told(
        outcome=outcome, value_minor=value, currency=currency if value is not None else "",
        occurred_at=happened.at if happened else None,
        occurred_day_only=bool(happened and happened.day_only),
        order_id=order_id, reason=told.get("reason", "")[:LONGEST_REASON],
        called_back_at=back.at if back else None, clues=clues, contact=contact,
    )  # fmt: skip


def read_outcome(text: str) -> Said:
    """Read an outcome in our words or another system's; raises BadInput for any other."""
    word = re.sub(r"[\W_]+", "", text.lower())
    plain = word.translate(str.maketrans("éèàùóíáü", "eeauoiau"))
    for known in (word, plain):
        if known in WORDS:
            return WORDS[known]
    raise BadInput(f"{text[:32]!r} is no outcome we know; write {', '.join(OUTCOMES)}.")


def read_phone(text: str, country: str) -> str:
    """Return the E.164 form of a phone number as a CRM or a spreadsheet writes it.

    A spreadsheet drops the plus: `393471234567` is read as international where it is no national number.

    Raises:
        BadInput: it is no possible number, or a spreadsheet rounded it (`3.93E+11`).
    """
    if re.fullmatch(r"\d[.,]\d+[eE]\+?\d+", text):
        raise BadInput("A spreadsheet rounded this phone number; format the column as text and export again.")
    cleaned = re.sub(r"^(tel|phone|p):", "", text.strip().lstrip("'="), flags=re.IGNORECASE).strip('" ')
    digits = re.sub(r"\D", "", cleaned)
    lost_its_plus = not cleaned.startswith(("+", "0")) and len(digits) >= 10
    if lost_its_plus and not _is_valid(cleaned, country) and _is_valid(f"+{digits}", None):
        return f"+{digits}"
    return to_e164(cleaned, country)


def _is_valid(text: str, country: str | None) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, country))
    except phonenumbers.NumberParseException:
        return False


def _past(text: str, ways: Ways, now: datetime) -> Moment:
    moment = read_moment(text, ways.zone, day_first=ways.day_first)
    if moment.at > now + (A_DAY_AHEAD if moment.day_only else AHEAD):
        raise BadInput(f"{text[:40]!r} lies in the future.")
    return moment


def _id(text: str) -> UUID | None:
    cleaned = text.lower().removeprefix("conv-")
    if not re.fullmatch(r"[0-9a-f]{32}|[0-9a-f-]{36}", cleaned):
        raise BadInput("This is not an id of ours; use it as the API or the page shows it.")
    try:
        return UUID(cleaned)
    except ValueError:
        raise BadInput("This is not an id of ours; use it as the API or the page shows it.") from None


def _click(text: str) -> str:
    if not (found := clean_click_id(text)):
        raise BadInput("This is not a click id; send it exactly as it stood in the address.")
    return found


def _bounded(text: str, longest: int) -> str:
    if len(text) > longest or not text.isprintable():
        raise BadInput(f"At most {longest} visible characters, please.")
    return text


def _contact(told: Mapping[str, str], ways: Ways) -> Contact:
    """Return the contact; parts that cannot be one are dropped: they are extra, the outcome still counts."""
    parts = {name: told.get(name, "") for name in CONTACT}
    parts = {
        name: text if len(text) <= LONGEST_PART and text.isprintable() else "" for name, text in parts.items()
    }
    email = parts["email"] if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", parts["email"]) else ""
    first, last = parts["first_name"], parts["last_name"]
    if parts["name"] and not (first or last):
        first, last = _split_name(parts["name"])
    country = parts["country"].upper() if re.fullmatch(r"[A-Za-z]{2}", parts["country"]) else ""
    if not country and (parts["postal_code"] or parts["city"]) and not parts["country"]:
        country = ways.country
    return Contact(
        email=email, first_name=first, last_name=last, city=parts["city"],
        postal_code=parts["postal_code"], country=country,
    )  # fmt: skip


def _split_name(name: str) -> tuple[str, str]:
    """Split `Rossi, Anna` and `Anna Rossi`; one word alone is a last name."""
    if "," in name:
        last, _, first = name.partition(",")
        return first.strip(), last.strip()
    first, _, last = name.strip().rpartition(" ")
    return first.strip(), last.strip()
