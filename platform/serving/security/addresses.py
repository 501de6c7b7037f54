"""Addresses of clients: lists of networks, and who stands behind a proxy. Pure."""

import functools
import ipaddress
import re
from collections.abc import Iterable, Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_WITH_PORT = re.compile(r"(?:(?P<v4>[0-9.]+)|\[(?P<v6>[^\]]+)\]):[0-9]{1,5}")

_SITE_BITS = 64  # of IPv6, one customer usually has at least so many; IPv4 addresses count one by one


def parse_network(text: str) -> Network:
    """Return the network of a text as 10.0.0.0/8, or of one address.

    Raises:
        ValueError: neither.
    """
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no address and no network as 10.0.0.0/8: {error}") from error


@functools.lru_cache(4096)
def parse_address(text: str) -> Address | None:
    """Return the address of a text, which may have a port behind it, as some proxies write it; None if it is none.

    An IPv4 address in IPv6 clothes is taken out of them.
    """
    text = text.strip()
    if behind := _WITH_PORT.fullmatch(text):
        text = behind["v4"] or behind["v6"]
    try:
        address = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def contains(networks: Iterable[Network], address: Address | None) -> bool:
    """Whether one of the networks holds the address."""
    return address is not None and any(address in network for network in networks)


def client_address(peer: str, forwarded: str, trusted: Sequence[Network]) -> Address | None:
    """Return the address of the client itself.

    Args:
        peer: at the other end of the connection.
        forwarded: the header X-Forwarded-For: each proxy adds at its end whom it was asked by.
        trusted: proxies whose word about that is believed.

    Returns:
        The last address that no trusted proxy has; None if that is no address.
    """
    address = parse_address(peer)
    for hop in reversed([hop for hop in forwarded.split(",") if hop.strip()]):
        if not contains(trusted, address):
            return address
        address = parse_address(hop)
    return address


def group_of(address: Address | None) -> str:
    """Return what a quota per address counts by: an IPv4 address, or the /64 of an IPv6 one."""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _SITE_BITS), strict=False))
    return str(address)


def loopback(host: str) -> bool:
    """Whether a host to listen on can be reached from this machine alone."""
    address = parse_address(host)
    return host == "localhost" or (address is not None and address.is_loopback)
