"""Which network addresses a fetch may connect to: the public internet, and what the operator allows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Cloud metadata and platform services. Most lie inside a special-purpose block already; they are named so that
# a change to the registry never opens them, and because 168.63.129.16 is public address space.
METADATA = (
    "169.254.169.254/32",  # AWS, Azure, Google Cloud, DigitalOcean, Oracle
    "169.254.170.2/32",  # AWS ECS task credentials
    "169.254.170.23/32",  # AWS EKS pod identity
    "100.100.100.200/32",  # Alibaba Cloud
    "168.63.129.16/32",  # Azure WireServer
    "192.0.0.192/32",  # Oracle Cloud classic
    "fd00:ec2::254/128",  # AWS
    "fd20:ce::254/128",  # Google Cloud
)

# IANA IPv4 Special-Purpose Address Registry, with multicast (RFC 5771).
SPECIAL_V4 = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
)

# IANA IPv6 Special-Purpose Address Registry: its blocks inside 2000::/3. All that is outside it is refused.
GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")
SPECIAL_V6 = (
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "2620:4f:8000::/48",
    "3fff::/20",
)

# Ports that browsers refuse for HTTP (Fetch standard, "port blocking"): something else listens there.
# fmt: off
BAD_PORTS = frozenset((
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
    103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512,
    513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719,
    1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679,
    6697, 10080,
))
# fmt: on

_REFUSED = tuple(ip_network(block) for block in METADATA + SPECIAL_V4 + SPECIAL_V6)
_COMPATIBLE = IPv6Network("::/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")


@dataclass(frozen=True)
class AddressPolicy:
    """The addresses that may be connected to; the operator's networks, `allow`, win over every refusal.

    Of the others the `ports`, first and last of each range; without any, all but `BAD_PORTS`.
    """

    allow: tuple[Network, ...] = ()
    ports: tuple[tuple[int, int], ...] = ()

    def permits(self, ip: str, port: int) -> bool:
        return self.refusal(ip, port) is None

    def refusal(self, ip: str, port: int) -> str | None:
        """Say why the address may not be connected to; None when it may."""
        try:
            address = ip_address(ip.partition("%")[0])
        except ValueError:
            return f"{ip} is not an IP address"
        if _within(address, self.allow):
            return None
        meanings = tuple(embedded(address)) or (address,)
        if all(_within(meaning, self.allow) for meaning in meanings):
            return None
        if not all(is_public(meaning) for meaning in meanings):
            return f"{ip} is not a public address"
        if self.ports and not any(first <= port <= last for first, last in self.ports):
            return f"port {port} is not among the ports that are allowed"
        return f"port {port} is not a web port" if not self.ports and port in BAD_PORTS else None


def is_public(address: Address) -> bool:
    """Is this plain address (nothing embedded in it) part of the public internet?"""
    if address.version == 6 and address not in GLOBAL_UNICAST_V6:
        return False
    return not _within(address, _REFUSED)


def embedded(address: Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses that a packet to this IPv6 address may end at; empty when it carries none."""
    if isinstance(address, IPv4Address):
        return ()
    if address.ipv4_mapped:
        return (address.ipv4_mapped,)
    if address in _COMPATIBLE or address in _NAT64:
        return (_low_32(address),)
    if address in _LOCAL_NAT64:
        return tuple(_local_nat64(address))
    if address.sixtofour:
        return (address.sixtofour,)
    return address.teredo or ()


def _local_nat64(address: IPv6Address) -> Iterator[IPv4Address]:
    # The prefix length is the site's choice (RFC 8215), so every place that RFC 6052 allows is read. A value in
    # 0.0.0.0/8 is no destination but the padding of another length; with nothing else there is no destination.
    bits = int(address)
    at_48 = (bits >> 64 & 0xFFFF) << 16 | bits >> 40 & 0xFFFF
    at_56 = (bits >> 64 & 0xFF) << 24 | bits >> 32 & 0xFFFFFF
    at_64 = bits >> 24 & 0xFFFFFFFF
    at_96 = bits & 0xFFFFFFFF
    found = [IPv4Address(place) for place in (at_48, at_56, at_64, at_96) if place >> 24]
    yield from found or [IPv4Address(0)]


def _low_32(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFFFFFF)


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)
