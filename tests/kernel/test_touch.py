"""A touch names the origin of a visit and keeps nothing personal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.kernel.touch import Touch, analytics_session, clean_click_id, only_clicks, read_touch

SHOP = "https://www.prova.test/"


def touch(url: str = SHOP, referrer: str = "", **remembered: str) -> Touch:
    return read_touch(url, referrer, remembered, {})


@pytest.mark.parametrize(
    ("url", "referrer", "source", "medium"),
    [
        (f"{SHOP}?gclid=Cj0-x", "https://www.google.com/", "google", "cpc"),
        (f"{SHOP}?msclkid=ab12", "", "bing", "cpc"),
        (f"{SHOP}?fbclid=IwAR1", "https://l.facebook.com/", "facebook", "social"),
        (f"{SHOP}?utm_source=Newsletter&utm_medium=Email", "", "newsletter", "email"),
        (f"{SHOP}?utm_source=google&gclid=x", "", "google", "cpc"),
        (SHOP, "https://www.google.it/search?q=traslochi", "google", "organic"),
        (SHOP, "https://duckduckgo.com/", "duckduckgo", "organic"),
        (SHOP, "https://t.co/abc", "twitter", "social"),
        (SHOP, "https://m.facebook.com/page", "facebook", "social"),
        (SHOP, "https://www.giornale.test/articolo", "giornale.test", "referral"),
        (SHOP, f"{SHOP}prezzi", "direct", "none"),
        (SHOP, "", "direct", "none"),
        (SHOP, "nonsense", "direct", "none"),
    ],
)
def test_the_origin_of_a_visit_is_named(url: str, referrer: str, source: str, medium: str) -> None:
    found = touch(url, referrer)
    assert (found.source, found.medium) == (source, medium)


def test_a_campaigns_number_is_kept_beside_the_clicks_and_names_no_source() -> None:
    found = touch(f"{SHOP}?gad_campaignid=21450000001&utm_id=512000001")
    assert (found.source, found.medium) == ("direct", "none")
    assert found.click_ids == {"gad_campaignid": "21450000001", "utm_id": "512000001"}
    assert only_clicks({"gclid": "x", **found.click_ids}) == {"gclid": "x"}
    assert touch(f"{SHOP}?utm_id=mario@rossi.it&gad_campaignid=12").click_ids == {}


def test_a_click_id_keeps_its_case() -> None:
    assert touch(f"{SHOP}?gclid=CjwKCAiA_aB-cD").click_ids == {"gclid": "CjwKCAiA_aB-cD"}


def test_a_remembered_click_id_counts_on_later_pages() -> None:
    found = touch(f"{SHOP}prezzi", SHOP, gclid="Cj0-x")
    assert (found.source, found.click_ids) == ("google", {"gclid": "Cj0-x"})


def test_ad_cookies_keep_their_digits() -> None:
    cookies = {
        "_ga": "GA1.1.1234567890.1690000000",
        "_fbp": "fb.1.1596403881668.1116446470",
        "_fbc": "fb.1.1554763741205.IwAR2F4-dbP0l7Mn1IawQQGCINEz7PYXQvwjNwB_qa2ofrHyiLjcbCRxTDMgk",
    }
    assert touch(SHOP, "", **cookies).ad_cookies == cookies


@pytest.mark.parametrize(
    ("cookie", "session"),
    [
        ("GS1.1.1747323152.28.1.1747323200.60.0.0", "1747323152"),
        ("GS1.3.1747323152.1.0.1747323152.0.0.0", "1747323152"),
        ("GS1.1.1747323152", "1747323152"),
        ("GS2.1.s1747323152$o28$g1$t1747323200$j60$l0$h69286059", "1747323152"),
        ("GS2.1.s1747323152", "1747323152"),
        ("GS2.1.o28$g1$t1747323200$s1747323152", "1747323152"),
        ("GS2.1.s1747323152%24o28%24g1", "1747323152"),
        ("GS2.1.o28$g1$t1747323200", ""),
        ("GS2.1.sabc$o1", ""),
        ("GS2.1.s$o1", ""),
        ("GS1.1.", ""),
        ("GS1.1.s1747323152$o1", ""),
        ("GS1", ""),
        ("GS3.1.s1747323152", ""),
        ("GA1.1.1234567890.1690000000", ""),
        ("GS2.1.s\u0661\u0662", ""),
        ("GS1.1." + "7" * 21, ""),
        ("", ""),
    ],
)
def test_both_forms_of_a_stream_s_cookie_tell_the_session(cookie: str, session: str) -> None:
    assert analytics_session(cookie) == session
    found = touch(SHOP, "", _ga_AB12CD34EF=cookie).ad_cookies
    assert found == ({"_ga_AB12CD34EF": session} if session else {})


def test_cookies_of_no_stream_are_dropped_and_a_page_tells_at_most_five_streams() -> None:
    one = "GS1.1.1747323152.1.1"
    names = ["_ga_ab12", "_ga_A-B", "_ga_", "_ga_" + "A" * 21, "_gat_AB12CD", "x_ga_AB12CD34EF", "_ga_AB1 "]
    assert touch(SHOP, "", **dict.fromkeys(names, one)).ad_cookies == {}
    many = {f"_ga_STREAM{number}": one for number in range(9)}
    assert list(touch(SHOP, "", **many).ad_cookies) == [f"_ga_STREAM{number}" for number in range(5)]


@given(st.text(max_size=80) | st.from_regex(r"GS[12]\.1\.[s0-9$.o]{0,40}", fullmatch=True))
def test_a_session_is_digits_or_nothing(cookie: str) -> None:
    session = analytics_session(cookie)
    assert session == "" or (session.isascii() and session.isdigit() and session in cookie)


@pytest.mark.parametrize(
    "label", ["21345678901", "120210987654320987", "2026-11-22", "cmp_21345678901_b", "roma-10-2026.v2"]
)
def test_ids_and_dates_in_campaign_names_are_kept(label: str) -> None:
    found = touch(f"{SHOP}?utm_source=google&utm_campaign={label}")
    assert found.campaign == label
    assert label in found.landing_url


@pytest.mark.parametrize(
    "typed", ["+39 347 123 4567", "00393471234567", "06 6994 0001", "0669940001", "347 123 4567"]
)
def test_a_written_phone_number_is_removed_from_every_word(typed: str) -> None:
    words = {"source": "x", "campaign": typed, "term": typed, "content": f"call {typed}"}
    found = read_touch(SHOP, "", {}, words)
    assert (found.campaign, found.term, found.content) == ("[removed]", "[removed]", "call [removed]")


def test_a_bare_number_is_removed_from_what_people_typed() -> None:
    assert read_touch(SHOP, "", {}, {"term": "traslochi 3471234567"}).term == "traslochi [removed]"


@pytest.mark.parametrize("text", ["<script>", "a b", "x" * 513, "a\x00b", "è"])
def test_a_click_id_of_another_shape_is_dropped(text: str) -> None:
    assert clean_click_id(text) == ""


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        (f"{SHOP}?email=anna@example.com&gclid=Cj0", f"{SHOP}?gclid=Cj0"),
        (f"{SHOP}conto/anna@example.com?x=1#top", f"{SHOP}conto/-"),
        (f"{SHOP}?utm_campaign=anna%40example.com", f"{SHOP}?utm_campaign=%5Bremoved%5D"),
        (f"{SHOP}tel/+393471234567/", f"{SHOP}tel/-/"),
        ("https://user:secret@www.prova.test/a", "https://www.prova.test/a"),
        ("javascript:alert(1)", ""),
        ("http://[broken", ""),
    ],
)
def test_an_address_loses_what_is_personal(url: str, kept: str) -> None:
    assert touch(url).landing_url == kept


def test_words_are_bounded_in_bytes_as_an_index_holds_them() -> None:
    words = dict.fromkeys(("source", "medium", "campaign"), "\U0001f4de" * 300)
    found = read_touch(SHOP + "\U0001f4de" * 2000, "", {}, words)
    assert found.campaign == "\U0001f4de" * 128
    assert len("".join(found.campaign_key()).encode()) == 1536
    assert len(found.landing_url.encode()) <= 1024
    assert read_touch(SHOP, "", {}, {"campaign": "x" * 300}).campaign == "x" * 256


@given(
    st.text(max_size=300),
    st.text(max_size=300),
    st.dictionaries(st.sampled_from(["gclid", "_ga", "x"]), st.text()),
)
def test_nothing_a_browser_sends_breaks_it(url: str, referrer: str, remembered: dict[str, str]) -> None:
    found = read_touch(url, referrer, remembered, remembered)
    whole = "".join(
        [found.source, found.campaign, found.landing_url, found.referrer, *found.click_ids.values()]
    )
    assert "\x00" not in whole
    whole.encode()
