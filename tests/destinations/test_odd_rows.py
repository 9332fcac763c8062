"""Odd rows as they really come: nulls, blanks, hashes, UK, emoji, changes; golden values by sha256sum."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calltrack.destinations import DESTINATIONS
from calltrack.destinations.preview import Preview, preview
from calltrack.destinations.rows import read_row
from calltrack.kernel.errors import BadInput
from calltrack.kernel.phone import country_of, to_e164
from calltrack.sandbox.platforms.accounts import example_settings

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
GRANTED = {"ad_user_data": "granted", "ad_personalization": "granted"}
BASE: dict[str, Any] = {
    "id": "c1", "kind": "lead", "event": "conversion", "happened_at": "2026-11-21T10:00:00Z",
    "consent": GRANTED,
}  # fmt: skip
CLICKS = ("gclid", "gbraid", "wbraid", "fbclid", "fbc", "fbp", "msclkid", "ttclid", "li_fat_id")
PEOPLE = ("phone", "email", "first_name", "last_name", "city", "postal_code", "country")
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def seen(name: str, *rows: dict[str, Any], **settings: Any) -> Preview:
    destination = DESTINATIONS[name]
    loaded = destination.Settings.load(example_settings(name) | settings, sandbox=True)
    return preview(destination, loaded, [read_row(json.dumps(row)) for row in rows], NOON)


def blanks(value: object) -> list[object]:
    """Return every null, blank text and empty list or object in a body."""
    if isinstance(value, dict):
        return [one for part in value.values() for one in blanks(part)] if value else [value]
    if isinstance(value, list):
        return [one for part in value for one in blanks(part)] if value else [value]
    return [value] if value is None or (isinstance(value, str) and not value.strip()) else []


@pytest.mark.parametrize("blank", ["", " ", "\t\n ", "\u00a0", None])
@pytest.mark.parametrize("name", sorted(set(DESTINATIONS) - {"webhook"}))
def test_a_blank_is_nothing_and_reaches_no_body(name: str, blank: str | None) -> None:
    row = BASE | {
        "click": dict.fromkeys(CLICKS, blank) | {"captured_at": None},
        "person": dict.fromkeys(PEOPLE, blank),
        "page": dict.fromkeys(("url", "user_agent", "ip"), blank),
        "ga": {"client_id": "123.456", "session_id": blank}, "currency": blank,
    }  # fmt: skip
    (judged,) = seen(name, row).judged
    assert (judged.verdict.decision, judged.row.warnings) == ("send" if name == "ga4" else "never", ())
    row["person"] |= {"email": "a@example.com"}
    for request in seen(name, row).requests:
        assert not blanks(json.loads(request.body))
        assert NOTHING not in request.body


def test_a_blank_name_or_click_refuses_no_batch_at_linkedin() -> None:
    row = BASE | {
        "click": {"li_fat_id": " "},
        "person": {"email": "a@example.com", "first_name": " ", "last_name": "Rossi", "country": "IT"},
    }
    (request,) = seen("linkedin", row).requests
    user = json.loads(request.body)["elements"][0]["user"]
    # printf a@example.com | sha256sum
    golden = "08168cd80dfd534ab0f10af10f1303fe00af2d43ab5c1432360d137f8197e17a"
    assert user == {"userIds": [{"idType": "SHA256_EMAIL", "idValue": golden}]}


def test_a_hashed_name_is_no_name_in_the_clear() -> None:
    person = {"email": "b" * 64, "first_name": "c" * 64, "last_name": "d" * 64}
    (request,) = seen("linkedin", BASE | {"person": person}).requests
    assert json.loads(request.body)["elements"][0]["user"] == {
        "userIds": [{"idType": "SHA256_EMAIL", "idValue": "b" * 64}]
    }


@pytest.mark.parametrize("name", ["google_data_manager", "google_ads", "meta", "microsoft", "tiktok"])
def test_a_hashed_phone_goes_as_it_is(name: str) -> None:
    result = seen(name, BASE | {"person": {"phone": " " + "AB" * 32}})
    (request,) = result.requests
    assert re.findall(r'"([0-9a-f]{64})"', request.body) == ["ab" * 32]
    assert "hashed already" in result.judged[0].row.warnings[0]


def test_an_emoji_is_no_name() -> None:
    person = {
        "phone": "+390669940001",
        "first_name": "❤️",
        "last_name": "1️⃣",
        "postal_code": "00186",
        "country": "IT",
    }
    (request,) = seen("google_data_manager", BASE | {"person": person}).requests
    assert "address" not in request.body
    person = person | {"first_name": "❤️Anna", "last_name": "Rossi"}
    (request,) = seen("google_data_manager", BASE | {"person": person}).requests
    # printf anna | sha256sum
    assert "55579b557896d0ce1764c47fed644f9b35f58bad620674af23f356d80ed0c503" in request.body


def test_a_name_counts_the_same_however_its_umlaut_is_written() -> None:
    person = {"email": "a@example.com", "last_name": "Rossi", "postal_code": "00186", "country": "IT"}
    bodies = {
        seen(name, BASE | {"person": person | {"first_name": first}}).requests[0].body
        for name in ("google_data_manager",)
        for first in ("J\u00fcrgen", "Ju\u0308rgen")
    }
    assert len(bodies) == 1
    # printf jürgen | sha256sum
    assert "19b720a911fced55aecd96bf4ddcada1c69be5a96dc523d5be336b8efbde3109" in bodies.pop()


@pytest.mark.parametrize("written", ["UK", "uk", "GB", " gb "])
def test_the_uk_is_gb_and_asks_for_consent(written: str) -> None:
    row = BASE | {"consent": {}, "person": {"email": "a@example.co.uk", "country": written}}
    for name in ("google_data_manager", "google_ads", "meta", "microsoft", "tiktok", "linkedin"):
        (judged,) = seen(name, row).judged
        assert (name, judged.verdict.code) == (name, "CONSENT_UNKNOWN")
    person = {"email": "a@example.co.uk", "first_name": "A", "last_name": "B", "postal_code": "SW1A 1AA"}
    (request,) = seen("google_data_manager", BASE | {"person": person | {"country": written}}).requests
    assert '"regionCode":"GB"' in request.body


@pytest.mark.parametrize("country", ["EL", "RE", "GP", "AX"])
def test_consent_is_asked_for_in_every_part_of_the_eea(country: str) -> None:
    row = BASE | {"consent": {}, "person": {"email": "a@example.com", "country": country}}
    assert seen("meta", row).judged[0].verdict.code == "CONSENT_UNKNOWN"


def test_a_country_that_is_none_is_left_out_and_said() -> None:
    row = BASE | {"person": {"email": "a@example.com", "country": "ZZ"}}
    (judged,) = seen("meta", row).judged
    assert judged.row.upload.country is None
    assert "not an ISO country" in judged.row.warnings[0]


@pytest.mark.parametrize(
    ("number", "country"),
    [("+445555555555", "GB"), ("+442079460958", "GB"), ("+390669940001", "IT"), ("+80012345678", None)],
)
def test_a_number_of_no_known_range_still_has_a_country(number: str, country: str | None) -> None:
    assert country_of(number) == country


def test_a_number_without_its_area_code_is_nobodys() -> None:
    with pytest.raises(BadInput):
        to_e164("253-0000", "US")
    (judged,) = seen("meta", BASE | {"person": {"phone": "253-0000", "country": "US"}}).judged
    assert judged.verdict.code == "NO_IDENTIFIERS"


@pytest.mark.parametrize(
    ("written", "golden"),
    [
        # printf +442079460958 | sha256sum
        ("+44 (0)20 7946 0958", "f0bf0228144d9fe2bdf1da2d8ca698f17bf1410ee688b075c27062e47b6f0b6d"),
        ("020 7946 0958", "f0bf0228144d9fe2bdf1da2d8ca698f17bf1410ee688b075c27062e47b6f0b6d"),
    ],
)
def test_a_trunk_zero_is_never_hashed(written: str, golden: str) -> None:
    (request,) = seen("tiktok", BASE | {"person": {"phone": written, "country": "GB"}}).requests
    assert json.loads(request.body)["data"][0]["user"] == {"phone": golden}


@pytest.mark.parametrize("name", ["tiktok", "linkedin"])
def test_another_platforms_click_is_no_matter(name: str) -> None:
    late = (NOON - timedelta(hours=1)).isoformat()
    person = {"email": "a@example.com"}
    row = BASE | {"click": {"gclid": "G", "captured_at": late}, "person": person}
    assert seen(name, row).judged[0].verdict.code == "OK"
    row = BASE | {"click": {"ttclid": "T", "li_fat_id": "L", "captured_at": late}, "person": person}
    assert seen(name, row).judged[0].verdict.code == "BEFORE_CLICK"


def test_changes_of_one_conversion_never_share_a_request() -> None:
    change = BASE | {"event": "restate", "kind": "purchase", "currency": "EUR", "person": {"email": "a@b.de"}}
    made = change | {
        "event": "conversion",
        "value_minor": 100,
        "click": {"gclid": "G", "captured_at": BASE["happened_at"]},
    }
    rows = [
        made, change | {"value_minor": 200}, made | {"id": "c2"},
        change | {"value_minor": 300, "happened_at": "2026-11-21T11:00:00Z"},
    ]  # fmt: skip
    for name in ("google_data_manager", "google_ads", "webhook"):
        requests = seen(name, *rows).requests
        assert all(len(set(one.rows)) == len(one.rows) for one in requests)
        values = [value for one in requests for value in re.findall(r'alue": ?(?:")?([123])\.0', one.body)]
        assert [value for value in values if value != "1"] == ["2", "3"]
    ids = [one.headers["webhook-id"] for one in seen("webhook", *rows).requests]
    assert sorted(ids) == ["c1-0", "c1-1", "c1-2", "c2-0"]


def test_a_change_waits_for_its_original() -> None:
    click = {"msclkid": "M", "captured_at": "2026-11-21T11:30:00Z"}
    made = BASE | {"happened_at": "2026-11-21T11:40:00Z", "click": click}
    original = {"happened_at": made["happened_at"]}
    taken_back = made | {"event": "retract", "happened_at": "2026-11-21T11:50:00Z", "original": original}
    first, second = seen("microsoft", made, taken_back).requests
    assert first.not_before == second.not_before == datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
    assert ("Adjustments" in first.url, "Adjustments" in second.url) == (False, True)


def test_a_secret_is_hidden_however_it_is_written() -> None:
    secret = "ab+c/d&e=="
    row = BASE | {"ga": {"client_id": "123.456"}}
    (request,) = seen("ga4", row, api_secret=secret).requests
    assert request.url.endswith("api_secret=***")


def test_a_byte_order_mark_is_no_part_of_the_first_row() -> None:
    assert read_row(b"\xef\xbb\xbf" + json.dumps(BASE).encode()).id == "c1"


@pytest.mark.parametrize(("name", "hours"), [("google_data_manager", 6), ("google_ads", 6), ("microsoft", 1)])
def test_a_recent_click_waits_to_the_second_with_the_settings_nobody_changed(name: str, hours: int) -> None:
    clicked = NOON - timedelta(hours=hours)
    ids = {"gclid": "G", "msclkid": "M"}
    row = BASE | {"click": ids | {"captured_at": clicked.isoformat()}, "happened_at": NOON.isoformat()}
    assert seen(name, row).judged[0].verdict.decision == "send"
    row["click"] = ids | {"captured_at": (clicked + timedelta(seconds=1)).isoformat()}
    verdict = seen(name, row).judged[0].verdict
    assert (verdict.code, verdict.until) == ("CLICK_TOO_RECENT", NOON + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("google_data_manager", 2000), ("google_ads", 2000), ("meta", 1000), ("microsoft", 1000),
        ("tiktok", 1000), ("linkedin", 5000), ("ga4", 1), ("webhook", 1),
    ],
)  # fmt: skip
def test_a_request_holds_as_many_as_the_platform_takes_in_order(name: str, limit: int) -> None:
    row = BASE | {"person": {"email": "a@example.com"}, "ga": {"client_id": "123.456"}}
    ids = [f"c{number}" for number in range(limit + 1)]
    requests = seen(name, *(row | {"id": one} for one in ids)).requests
    assert [len(one.rows) for one in requests] == [limit, 1]
    assert [one for request in requests for one in request.rows] == ids
