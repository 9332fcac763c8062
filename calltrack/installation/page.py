"""Reads a page as a server sent it: our tags, texts as the snippet joins them, policies, pictures, frames."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin, urlsplit

from calltrack.installation.numbers import SEAM

SKIPPED: Final = frozenset(
    ("script", "style", "noscript", "textarea", "input", "select", "template", "title")
)
READ_OUT: Final = ("title", "aria-label", "alt")
# Elements that are never closed.
VOID: Final = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)
OURS: Final = re.compile(r"/(ct|v1/s/[\w.-]+|calltrack[\w.-]*)\.js$")
EXECUTED: Final = re.compile(r"^$|javascript|ecmascript|^module$", re.IGNORECASE)
SAID_KEY: Final = re.compile(r"calltrack\s*=\s*\{[^}]*?\bsite\s*:\s*[\"']([\w-]+)")
CALLS: Final = re.compile(r"^(tel|sms):", re.IGNORECASE)
MANAGERS: Final = {
    "Google Tag Manager": r"googletagmanager\.com/gtm\.js|gtm\.start|googletagmanager\.com/ns\.html"
}
BANNERS: Final = {
    "Cookiebot": r"consent\.cookiebot|data-cookieconsent", "OneTrust": r"onetrust|optanon",
    "iubenda": r"iubenda", "Usercentrics": r"usercentrics", "Didomi": r"didomi",
    "CookieYes": r"cookieyes", "Complianz": r"complianz|cmplz", "Borlabs": r"borlabs",
    "Quantcast": r"quantcast|__tcfapi", "Google consent mode": r"consent['\"]\s*,\s*['\"]default",
}  # fmt: skip
FRAMEWORKS: Final = {
    "Next": r"__NEXT_DATA__|/_next/", "Nuxt": r"__NUXT__|/_nuxt/", "Gatsby": r"___gatsby",
    "Angular": r"ng-version|ng-server-context", "React": r"data-reactroot|id=\"root\"",
    "Vue": r"data-v-app|data-server-rendered", "Astro": r"<astro-island",
}  # fmt: skip


@dataclass
class Tag:
    """A script tag that is ours by its address; `runs`: a browser runs it as it stands."""

    src: str
    key: str = ""
    integrity: str = ""
    has_crossorigin: bool = False
    nonce: str = ""
    consent: str = ""
    runs: bool = True


@dataclass
class PageRead:
    """What a page holds, in the words of this room."""

    text: str = ""
    linked: str = ""
    structured: str = ""
    kept_out: str = ""
    tags: list[Tag] = field(default_factory=list)
    # The tag stands in a comment, where no browser sees it.
    is_commented: bool = False
    policies: list[str] = field(default_factory=list)
    # Pictures as (what stands for them, has the class ct-number).
    pictures: list[tuple[str, bool]] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    managers: list[str] = field(default_factory=list)
    banners: list[str] = field(default_factory=list)
    frameworks: list[str] = field(default_factory=list)


def read_page(html: str, address: str) -> PageRead:
    """Read a page; never fails, whatever the markup."""
    reader = _Reader(address)
    reader.feed(html)
    reader.close()
    page = reader.page
    page.text, page.linked = SEAM.join(reader.texts), SEAM.join(reader.links)
    page.structured, page.kept_out = "\n".join(reader.structured), SEAM.join(reader.kept_out)
    said = SAID_KEY.search(html)
    for tag in page.tags:
        tag.key = tag.key or (said[1] if said else "")
    for names, table in ((page.managers, MANAGERS), (page.banners, BANNERS), (page.frameworks, FRAMEWORKS)):
        names += [name for name, sign in table.items() if re.search(sign, html, re.IGNORECASE)]
    return page


def joined(base: str, address: str) -> str:
    """Return an address as a page at `base` means it; empty where it is none, such as `https://[cdn]/a.png`."""
    try:
        found = urljoin(base, address)
        urlsplit(found)
    except ValueError:
        return ""
    return found


class _Reader(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__(convert_charrefs=True)
        self.page = PageRead()
        self.texts: list[str] = []
        self.links: list[str] = []
        self.structured: list[str] = []
        self.kept_out: list[str] = []
        self._address = address
        # The open elements of one name inside of which the snippet reads nothing.
        self._skipping: list[str] = []
        self._is_structured = False

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Pass over `<![...>` as browsers do; the parser itself knows few words and fails at all others."""
        end = self.rawdata.find(">", i)
        return -1 if end < 0 else end + 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if self._skipping:
            if tag == self._skipping[-1] and tag not in VOID:
                self._skipping.append(tag)
        elif tag == "base" and given.get("href"):
            self._address = joined(self._address, given["href"]) or self._address
        elif tag == "meta":
            self._read_meta(given)
        if tag == "script":
            self._read_script(given)
        elif tag == "iframe":
            self._read_frame(given)
        if self._skipping:
            return
        is_kept_out = tag in SKIPPED or "data-ct-noswap" in given or given.get("contenteditable", "no") in (
            "", "true", "plaintext-only",
        )  # fmt: skip
        if is_kept_out and tag not in VOID:
            self._skipping.append(tag)
        elif not is_kept_out:
            self._read_attributes(tag, given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._is_structured = False
        if self._skipping and self._skipping[-1] == tag:
            self._skipping.pop()

    def handle_data(self, data: str) -> None:
        if self._is_structured:
            self.structured.append(data)
        elif not self._skipping:
            self.texts.append(data)
        elif self._skipping[-1] not in ("script", "style", "title"):
            self.kept_out.append(data)

    def handle_comment(self, data: str) -> None:
        self.page.is_commented |= "/ct.js" in data

    def _read_attributes(self, tag: str, given: dict[str, str]) -> None:
        if CALLS.match(given.get("href", "")):
            self.links.append(given["href"])
        for name in READ_OUT:
            # What stands for a picture is no text. The letter keeps an attribute apart from what follows.
            if given.get(name) and (tag, name) != ("img", "alt"):
                self.texts.append(given[name] + "a")
        if tag == "img":
            words = (
                f"{given.get('alt', '')} {urlsplit(joined('', given.get('src', ''))).path.rpartition('/')[2]}"
            )
            self.page.pictures.append((words, "ct-number" in given.get("class", "").split()))

    def _read_meta(self, given: dict[str, str]) -> None:
        if given.get("http-equiv", "").lower() == "content-security-policy":
            self.page.policies.append(given.get("content", ""))

    def _read_script(self, given: dict[str, str]) -> None:
        kind = given.get("type", "").strip()
        self._is_structured = kind.lower() == "application/ld+json"
        # Optimisers and consent tools keep a script from running by moving its address or its kind.
        src = given.get("src") or given.get("data-src") or given.get("data-cmp-src") or ""
        address = joined(self._address, src)
        is_ours = OURS.search(urlsplit(address).path) is not None and bool(src)
        if not is_ours and not (src and address and "data-site" in given):
            return
        self.page.tags.append(
            Tag(
                src=address,
                key=given.get("data-site", "").strip(),
                integrity=given.get("integrity", "").strip(),
                has_crossorigin="crossorigin" in given,
                nonce=given.get("nonce", ""),
                consent=given.get("data-consent", ""),
                runs=bool(given.get("src"))
                and EXECUTED.search(kind) is not None
                and "noscript" not in self._skipping,
            )
        )

    def _read_frame(self, given: dict[str, str]) -> None:
        src = given.get("src") or given.get("data-src") or ""
        address = urlsplit(joined(self._address, src))
        here = urlsplit(self._address)
        if src and address.scheme in ("http", "https") and address.netloc != here.netloc:
            self.page.frames.append(f"{address.scheme}://{address.netloc}")
