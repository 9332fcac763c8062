"""What a page's Content-Security-Policy allows (CSP Level 3): may it load our script, may it ask us?"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True)
class Refusal:
    """A directive that forbids something, as it is written."""

    directive: str
    written: str


@dataclass(frozen=True)
class Script:
    """The script that is to be loaded."""

    url: str
    nonce: str = ""
    integrity: str = ""


def policies_of(headers: Iterable[str]) -> list[dict[str, list[str]]]:
    """Read policies: one header may hold several, parted by commas; the first word of a name counts."""
    read = []
    for policy in ",".join(headers).split(","):
        directives: dict[str, list[str]] = {}
        for part in policy.split(";"):
            name, *words = part.split() or [""]
            if name:
                directives.setdefault(name.lower(), words)
        if directives:
            read.append(directives)
    return read


def script_refused(policies: list[dict[str, list[str]]], page: str, script: Script) -> Refusal | None:
    """Return the directive that keeps the script from being loaded."""
    for policy in policies:
        if "sandbox" in policy and "allow-scripts" not in [word.lower() for word in policy["sandbox"]]:
            return Refusal("sandbox", " ".join(policy["sandbox"]))
        name = _governing(policy, "script-src-elem", "script-src", "default-src")
        if name and not _allows_script(policy[name], page, script):
            return Refusal(name, " ".join(policy[name]))
    return None


def connection_refused(policies: list[dict[str, list[str]]], page: str, url: str) -> Refusal | None:
    """Return the directive that keeps the page from asking this address."""
    for policy in policies:
        name = _governing(policy, "connect-src", "default-src")
        if name and not any(_matches(source, page, url) for source in policy[name]):
            return Refusal(name, " ".join(policy[name]))
    return None


def upgrades(policies: list[dict[str, list[str]]]) -> bool:
    """Whether the page's browser asks https where http is written."""
    return any("upgrade-insecure-requests" in policy for policy in policies)


def _governing(policy: dict[str, list[str]], *names: str) -> str | None:
    return next((name for name in names if name in policy), None)


def _allows_script(sources: list[str], page: str, script: Script) -> bool:
    if script.nonce and f"'nonce-{script.nonce}'" in sources:
        return True
    hashes = script.integrity.split()
    if hashes and all(f"'{one}'" in sources for one in hashes):
        return True
    if "'strict-dynamic'" in [source.lower() for source in sources]:
        return False  # hosts do not count then
    return any(_matches(source, page, script.url) for source in sources)


def _matches(source: str, page: str, url: str) -> bool:
    """Whether one source expression allows the address."""
    wanted, here = urlsplit(url), urlsplit(page)
    word = source.lower()
    if word == "'self'":
        return _origin(wanted) == _origin(here) or (
            wanted.hostname == here.hostname and here.scheme == "http" and wanted.scheme == "https"
        )
    if word.startswith("'"):
        return False
    if word == "*":
        return wanted.scheme in PORTS
    if word.endswith(":") and "/" not in word:
        return _scheme_fits(word[:-1], wanted.scheme)
    scheme, _, rest = word.rpartition("://")
    # A path is case-exact; the rest is not.
    host, slash, path = source[len(source) - len(rest) :].partition("/")
    host, _, port = host.lower().partition(":")
    return (
        _scheme_fits(scheme or here.scheme, wanted.scheme)
        and _host_fits(host, wanted.hostname or "")
        and (port == "*" or _port_fits(port, wanted.scheme, wanted.port))
        and (not path or _path_fits(slash + path, wanted.path))
    )


def _scheme_fits(allowed: str, wanted: str) -> bool:
    return allowed == wanted or (allowed == "http" and wanted == "https")


def _host_fits(allowed: str, wanted: str) -> bool:
    if allowed == "*":
        return True
    return wanted.endswith(allowed[1:]) if allowed.startswith("*.") else wanted == allowed


def _port_fits(allowed: str, scheme: str, wanted: int | None) -> bool:
    port = wanted or PORTS.get(scheme, 0)
    if not allowed:
        return port == PORTS.get(scheme)
    return allowed == str(port) or (allowed == "80" and port == 443)


def _path_fits(allowed: str, wanted: str) -> bool:
    return wanted.startswith(allowed) if allowed.endswith("/") else wanted == allowed


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return (parts.scheme, parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0))
