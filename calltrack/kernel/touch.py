"""Where a visit came from: click ids, campaign words, referrer, consent; cleaned of personal data."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode, urlsplit

CLICK_IDS = ("gclid", "gbraid", "wbraid", "fbclid", "msclkid", "ttclid", "li_fat_id", "dclid")
# What names the campaign and nobody: a platform's number of it, kept beside the click ids.
CAMPAIGN_IDS = ("gad_campaignid", "utm_id")
AD_COOKIES = ("_ga", "_fbc", "_fbp")
# Google Analytics keeps one cookie for each stream (measurement id without G-) that a page tells.
STREAM_COOKIE = "_ga_"
MOST_STREAMS = 5
# What a page writes for a click id it may not tell: that there was one names the source, and nobody.
WITHHELD = "1"
UTM = ("source", "medium", "campaign", "term", "content")
LONGEST_WORD = 256
# In UTF-8: sums per campaign are found by an index, and no entry of one may be longer than 2,704 bytes.
MOST_WORD_BYTES = 512
# What is longer was never an address or a word that people wrote; looking for personal data in it takes long.
LONGEST_READ = 2_048
LONGEST_CLICK_ID = 512
LONGEST_URL = 1024

_PERSONAL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+|\+?\d[\d\s().-]{7,}\d")
# In a label that an advertiser wrote a bare run of digits is an id ({campaignid}), not a phone number.
_PERSONAL_IN_LABEL = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.]+|(?<!\w)(?:\+|00)\d[\d\s().-]{6,}\d"
    r"|(?<![\w.-])0\d[\d\s().-]{5,}\d|(?<!\w)\d{2,4}(?: \d{2,4}){2,}(?!\w)"
)
_STREAM_COOKIE = re.compile(rf"{STREAM_COOKIE}[A-Z0-9]{{4,20}}")
_CAMPAIGN_ID = re.compile(r"[0-9]{3,20}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_WITHOUT_QUERY = re.compile(r"[^?#]*")
_CLICK_ID = re.compile(r"[\w.~:%=+/-]+", re.ASCII)
_KEPT_PARAMETERS = frozenset((*CLICK_IDS, *(f"utm_{word}" for word in UTM)))
_SEARCH = re.compile(r"(^|\.)(google|bing|yahoo|duckduckgo|ecosia|qwant|yandex|baidu)\.")
_SOCIAL = re.compile(r"(^|\.)(facebook|instagram|linkedin|tiktok|twitter|x|t|pinterest|youtube)\.(com|co)$")
# Which platform wrote a click id: (click id, source, medium).
_PAID = (
    ("gclid", "google", "cpc"), ("gbraid", "google", "cpc"), ("wbraid", "google", "cpc"),
    ("msclkid", "bing", "cpc"), ("fbclid", "facebook", "social"), ("ttclid", "tiktok", "paid_social"),
    ("li_fat_id", "linkedin", "paid_social"), ("dclid", "display", "display"),
)  # fmt: skip


@dataclass(frozen=True)
class Touch:
    """What one visit tells of its origin. Click ids are case-exact; words are trimmed and bounded.

    Beside the click ids stand the platform's numbers of the campaign (CAMPAIGN_IDS); these name no source.

    `ad_cookies` are as the browser holds them, but for those of Analytics' streams: of these only the id of
    the session is kept, as `{"_ga_AB12CD34EF": "1747323152"}`.
    """

    source: str = "direct"
    medium: str = "none"
    campaign: str = ""
    term: str = ""
    content: str = ""
    click_ids: dict[str, str] = field(default_factory=dict)
    ad_cookies: dict[str, str] = field(default_factory=dict)
    referrer: str = ""
    landing_url: str = ""
    consent: dict[str, bool] | None = None

    def campaign_key(self) -> tuple[str, str, str]:
        """What makes two visits come from the same campaign: source, medium, campaign."""
        return (self.source, self.medium, self.campaign)


def read_touch(
    url: str,
    referrer: str,
    remembered: dict[str, str],
    words: dict[str, str],
    consent: dict[str, bool] | None = None,
) -> Touch:
    """Build a touch from the page's address, its referrer and what the snippet remembered.

    The address wins over memory for utm words; without utm words a click id names the source, then the
    referrer (search: organic, social, else referral), then nothing: direct.
    """
    pairs = parse_qsl(_safe_query(url))
    query = dict(pairs)
    utm = {word: clean_word(word, query.get(f"utm_{word}") or words.get(word, "")) for word in UTM}
    told = {
        name: value
        for name in CLICK_IDS
        if (value := clean_click_id(query.get(name) or remembered.get(name, "")))
    }
    clicks = {name: value for name, value in told.items() if value != WITHHELD}
    source, medium = utm["source"], utm["medium"]
    if not source:
        source, guessed = _source_of(told, referrer, url)
        medium = medium or guessed
    return Touch(
        source=source.lower(),
        medium=(medium or ("cpc" if told else "none")).lower(),
        campaign=utm["campaign"],
        term=utm["term"],
        content=utm["content"],
        click_ids=clicks | _campaign_ids(query),
        ad_cookies=_ad_cookies(remembered),
        referrer=page_of(referrer),
        landing_url=_scrubbed(url, pairs),
        consent=consent,
    )


def clean(text: str) -> str:
    """Return a campaign word: no control characters, no e-mail or phone number, bounded length."""
    return _bounded(_PERSONAL.sub("[removed]", _CONTROL.sub("", text[:LONGEST_READ])))


def clean_word(word: str, text: str) -> str:
    """Return a utm word: what people typed (`term`) as `clean` does; in labels ids of digits are kept."""
    if not text or word == "term":
        return clean(text) if text else ""
    return _bounded(_PERSONAL_IN_LABEL.sub("[removed]", _CONTROL.sub("", text[:LONGEST_READ])))


def clean_click_id(text: str) -> str:
    """Return a click id or ad cookie as it was, or nothing when it holds what none of them holds."""
    if not text:
        return ""
    return text if len(text) <= LONGEST_CLICK_ID and _CLICK_ID.fullmatch(text) else ""


def only_clicks(click_ids: Mapping[str, str]) -> dict[str, str]:
    """Return the ids that speak of a click, without those that name a campaign."""
    return {name: value for name, value in click_ids.items() if name not in CAMPAIGN_IDS}


def analytics_session(cookie: str) -> str:
    """Return the session id in a stream's cookie of Google Analytics; nothing in a cookie of another form.

    `GS1.1.1747323152.28.1.1747323200.60.0.0` tells it by its place; the form in use since May 2025,
    `GS2.1.s1747323152$o28$g1$t1747323200$j60$l0$h0`, by the letter s, in any order.
    """
    form, _, rest = cookie.partition(".")
    told = rest.partition(".")[2]
    if form == "GS1":
        session = told.partition(".")[0]
    elif form == "GS2":
        parts = told.replace("%24", "$").split("$")
        session = next((part[1:] for part in parts if part.startswith("s")), "")
    else:
        return ""
    return session if re.fullmatch(r"[0-9]{1,20}", session) else ""


def _bounded(word: str) -> str:
    return _cut(word.strip(), LONGEST_WORD, MOST_WORD_BYTES)


def _cut(text: str, signs: int, most_bytes: int) -> str:
    """Cut a text to so many signs and bytes of UTF-8, between two signs."""
    return text[:signs].encode()[:most_bytes].decode(errors="ignore")


def _campaign_ids(query: Mapping[str, str]) -> dict[str, str]:
    """Return the numbers of campaigns that an address names; what is no number says nothing to us."""
    return {
        name: value for name in CAMPAIGN_IDS if _CAMPAIGN_ID.fullmatch(value := query.get(name, "").strip())
    }


def _ad_cookies(remembered: dict[str, str]) -> dict[str, str]:
    found = {name: value for name in AD_COOKIES if (value := clean_click_id(remembered.get(name, "")))}
    sessions = {
        name: session
        for name, cookie in remembered.items()
        if _STREAM_COOKIE.fullmatch(name) and (session := analytics_session(cookie))
    }
    return found | dict(list(sessions.items())[:MOST_STREAMS])


def page_of(url: str) -> str:
    """Return origin and path of an address, without query and fragment, scrubbed."""
    return _page(_WITHOUT_QUERY.match(url[:LONGEST_READ])[0])  # type: ignore[index]  # it always matches


@lru_cache(maxsize=4096)
def _page(url: str) -> str:
    """Do what `page_of` does with an address up to its query: many visits open the same page."""
    try:
        parts = urlsplit(_CONTROL.sub("", url))
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    page = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{_PERSONAL.sub('-', parts.path)}"
    return _cut(page, LONGEST_URL, LONGEST_URL)


def _scrubbed(url: str, pairs: list[tuple[str, str]]) -> str:
    """Return the address with only those of its query's parameters that name an origin (click ids, utm)."""
    page = page_of(url)
    kept = [(name, value) for name, value in pairs if name in _KEPT_PARAMETERS]
    cleaned = [
        (name, value if name in CLICK_IDS else clean_word(name.removeprefix("utm_"), value))
        for name, value in kept
    ]
    return f"{page}?{urlencode(cleaned)}"[:LONGEST_URL] if page and cleaned else page


def _safe_query(url: str) -> str:
    try:
        return urlsplit(url).query
    except ValueError:
        return ""


def _source_of(clicks: dict[str, str], referrer: str, url: str) -> tuple[str, str]:
    for name, source, medium in _PAID:
        if name in clicks:
            return source, medium
    try:
        host, own = urlsplit(referrer).hostname or "", urlsplit(url).hostname or ""
    except ValueError:
        return "direct", "none"
    if not host or host == own:
        return "direct", "none"
    if found := _SEARCH.search(host):
        return found.group(2), "organic"
    if found := _SOCIAL.search(host):
        return {"x": "twitter", "t": "twitter"}.get(found.group(2), found.group(2)), "social"
    return host.removeprefix("www."), "referral"
