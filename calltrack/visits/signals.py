"""How likely a visitor is to call: what the device is, and whether the page is there for calling."""

import re
from functools import lru_cache
from urllib.parse import urlsplit

CONTACT = "contact"
# Pages that people open to reach somebody, in the languages of our customers, by their address or title.
_CONTACT = re.compile(
    r"conta[ck]t|kontak|contatt|contacto|nous-joindre|dove-siamo|anfahrt|standort|oeffnungszeiten|orari"
    r"|chiamaci|rueckruf|call-?us|find-?us|get-in-touch",
    re.IGNORECASE,
)
_TABLET = re.compile(r"iPad|Tablet|Android(?!.*Mobile)|Silk/")
_MOBILE = re.compile(r"Mobi|iPhone|iPod")


@lru_cache(maxsize=8192)
def page_kind(page: str, title: str = "") -> str:
    """Return `contact` for a page that is there to be called from, else nothing."""
    return CONTACT if _CONTACT.search(f"{urlsplit(page).path} {title}") else ""


@lru_cache(maxsize=8192)
def device_of(user_agent: str) -> str:
    """Return mobile, tablet or desktop; nothing when the browser did not name itself."""
    if not user_agent:
        return ""
    if _TABLET.search(user_agent):
        return "tablet"
    return "mobile" if _MOBILE.search(user_agent) else "desktop"
