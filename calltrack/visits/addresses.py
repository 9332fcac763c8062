"""Where a request comes from: the browser's address behind proxies, its network, and its region."""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Self

from calltrack.config import Settings
from calltrack.kernel.region import read_region

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOCAL_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::/56",
        "fc00::/7",
        "fe80::/10",
    )
)


_WITH_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]+)?")

# Who asked us, where REMOTE_ADDR names the browser already (`app.py`).
PEER = "calltrack.peer"


class Proxies:
    """Whom we believe what they say of others, and in which headers they say a visitor's region."""

    def __init__(self, networks: Sequence[Network], region: str = "", country: str = "") -> None:
        self._region, self._country = _key(region), _key(country)
        self._is_ours = lru_cache(maxsize=8192)(lambda address: is_within(address, networks))

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return what the settings say of proxies."""
        return cls(settings.proxies, settings.region_header, settings.country_header)

    def address_in(self, environ: Mapping[str, Any]) -> str:
        """Return the browser's address."""
        chain = environ.get("HTTP_X_FORWARDED_FOR", "")
        return client_address(environ.get("REMOTE_ADDR", ""), chain, self._is_ours)

    def network_in(self, environ: Mapping[str, Any]) -> str:
        """Return the browser's network (see `network_of`)."""
        return network_of(self.address_in(environ))

    def region_in(self, environ: Mapping[str, Any]) -> str:
        """Return the visitor's region as a proxy we believe says it; empty: nobody says one."""
        said = environ.get(self._region, "")
        if not said or not self._is_ours(environ.get(PEER) or environ.get("REMOTE_ADDR", "")):
            return ""
        return read_region(said, environ.get(self._country, ""))


def client_address(peer: str, forwarded_for: str, is_ours: Callable[[str], bool]) -> str:
    """Return the browser's address: the first one, from the right, that is no proxy of ours.

    Each proxy adds to X-Forwarded-For whom it was asked by, so what stands left of a stranger is his word.
    Where all are ours, the peer is.
    """
    if forwarded_for and is_ours(peer):
        for hop in map(_without_port, reversed(forwarded_for.split(","))):
            if not is_ours(hop):
                return hop
    return peer


@lru_cache(maxsize=8192)
def network_of(address: str) -> str:
    """Return the client's network: /24 of IPv4, /56 of IPv6; one bucket for what is no address."""
    ip = _address(address)
    if ip is None:
        return "unknown"
    if ip.version == 4:
        return f"{str(ip).rpartition('.')[0]}.0/24"
    return str(ipaddress.ip_network((ip, 56), strict=False))


@lru_cache(maxsize=8192)
def is_local(network: str) -> bool:
    """Whether a network is this machine or a private one, which no stranger can come from."""
    if network == "unknown":
        return False
    return is_within(network.partition("/")[0], LOCAL_NETWORKS)


def is_within(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address lies in one of the networks; what is no address lies in none."""
    ip = _address(address)
    return ip is not None and any(ip in one for one in networks if one.version == ip.version)


@lru_cache(maxsize=8192)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an address; an IPv4 one in the clothes of IPv6 is an IPv4 one."""
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        return None
    return ip.ipv4_mapped or ip if isinstance(ip, ipaddress.IPv6Address) else ip


def _without_port(hop: str) -> str:
    """Return a hop's address alone: some gateways write `203.0.113.7:51234` or `[2001:db8::7]:51234`."""
    found = _WITH_PORT.fullmatch(hop.strip())
    return (found[1] or found[2]) if found else hop.strip()


def _key(header: str) -> str:
    return f"HTTP_{header.upper().replace('-', '_')}" if header else ""
