"""No forbidden address is ever connected to: every spelling, every redirect, every change of a name's mind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, ip_network
from urllib.parse import quote

import pytest

from tasks.links.fetch import Engine, EngineSettings, Result, Target
from tasks.links.options import CheckOptions
from tests.servers.behaviour import BehaviourServer
from tests.servers.canary import Canary, NameServer, canary

SETTINGS = EngineSettings(
    host_concurrency=0,
    host_interval_ms=0,
    backoff_cap_s=0,
    connect_timeout_s=1.0,
    total_timeout_s=2.0,
    retry_delay_s=0.01,
)
# The behaviour server may be connected to, and no other address of loopback.
ONE_ADDRESS = replace(SETTINGS, allow_networks=(ip_network("127.0.0.1/32"),))
FORBIDDEN = "127.0.0.2"


def hidden_in_v6(address: str) -> list[str]:
    """An IPv4 address as IPv6 carries it: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP."""
    plain = IPv4Address(address)
    high, low = f"{int(plain) >> 16:x}", f"{int(plain) & 0xFFFF:x}"
    flipped = f"{(~int(plain) >> 16) & 0xFFFF:x}:{~int(plain) & 0xFFFF:x}"
    return [
        f"::ffff:{address}",
        f"::ffff:{high}:{low}",
        f"0:0:0:0:0:ffff:{address}",
        f"0000:0000:0000:0000:0000:FFFF:{high}:{low}",
        f"::{address}",
        f"::{high}:{low}",
        f"::ffff:0:{address}",
        f"64:ff9b::{address}",
        f"64:ff9b::{high}:{low}",
        f"64:ff9b:1::{address}",
        f"64:ff9b:1:{high}:{low[:2].zfill(2)}:{low}::",
        f"2002:{high}:{low}::",
        f"2002:{high}:{low}::1",
        f"2001:0:{high}:{low}::{flipped}",
        f"2001::{flipped}",
        f"fe80::5efe:{address}",
        f"2001:db8::5efe:{address}",
    ]


def as_numbers(address: str) -> list[str]:
    """An IPv4 address as `inet_aton` and browsers read it: one to four numbers of base 8, 10 or 16."""
    parts = [int(part) for part in address.split(".")]
    whole = int(IPv4Address(address))
    return [
        address,
        f"{address}.",
        f"{parts[0]}.{parts[1]}.{whole & 0xFFFF}",
        f"{parts[0]}.{whole & 0xFFFFFF}",
        str(whole),
        hex(whole),
        f"0X{whole:X}",
        f"0{whole:o}",
        f"000000{whole:o}",
        ".".join(hex(part) for part in parts),
        ".".join(f"0{part:o}" for part in parts),
        ".".join(f"{part:#06x}" for part in parts),
        f"{hex(parts[0])}.{parts[1]}.0{parts[2]:o}.{parts[3]}",
        f"{hex(parts[0])}.{whole & 0xFFFFFF}",
        f"{hex(whole)}.",
    ]


def disguised(address: str) -> list[str]:
    """An IPv4 address behind what IDNA, percent signs and sloppy parsers make of a host."""
    return [
        address.translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")),
        address.translate(str.maketrans("0123456789", "０１２３４５６７８９")),  # noqa: RUF001
        address.translate(str.maketrans("12", "①②")),
        address.replace(".", "。"),
        address.replace(".", "．"),  # noqa: RUF001
        address.replace(".", "｡"),
        quote(address[0]) + address[1:].replace(".", "%2e"),
        "".join(f"%{ord(sign):02x}" for sign in address),
        address.replace("1", "1\u00ad"),
        address.replace(".", "\u200b."),
    ]


LOOPBACK = [
    *as_numbers("127.0.0.1"),
    *disguised("127.0.0.1"),
    *(f"[{each}]" for each in hidden_in_v6("127.0.0.1")),
    *as_numbers("127.9.8.7"),
    "localhost",
    "LocalHost",
    "localhost.",
    "ｌｏｃａｌｈｏｓｔ",  # noqa: RUF001
    "local\u00adhost",
    "loc%61lhost",
    "0",
    "0x0",
    "00",
    "0.0.0.0",
    "0.0",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::0001]",
    "[::0.0.0.1]",
    "[::ffff:0.0.0.0]",
]
INSIDE = [
    *as_numbers("169.254.169.254"),
    *(f"[{each}]" for each in hidden_in_v6("169.254.169.254")),
    *(f"[{each}]" for each in hidden_in_v6("10.0.0.1")),
    *(f"[{each}]" for each in hidden_in_v6("192.168.1.1")),
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fc00::1]",
    "[ff02::1]",
    "[fec0::1]",
]
# The host that a reader of the URL may take for the one that is meant, beside the one that is connected to.
CONFUSING = [
    "http://example.com@{host}:{port}/",
    "http://example.com:80@{host}:{port}/",
    "http://example.com%40{host}:{port}/",
    "http://{host}:{port}\\@example.com/",
    "http://{host}:{port}#@example.com/",
    "http://{host}:{port}?@example.com/",
    "http:\\\\{host}:{port}\\",
    "http:/{host}:{port}/",
    "http:{host}:{port}/",
    "http:///{host}:{port}/",
    "http://///{host}:{port}/",
    "\thttp://{host}:{port}/ ",
    "ht\ttp://{host}:{port}/",
    "http://{host}:{port}/\r\nHost: example.com",
    "HTTP://{host}:{port}/",
    "http://{host}:0{port}/",
    "http://[{host}]:{port}/",
    "http://[::1%25lo]:{port}/",
    "http://[fe80::1%25eth0]:{port}/",
    "http://[::1%lo]:{port}/",
    "http://{host} :{port}/",
    "http://{host}:{port} /",
    "http://{host}\u2044:{port}/",
    "//{host}:{port}/",
    "view-source:http://{host}:{port}/",
    "jar:http://{host}:{port}/!/",
    "url:http://{host}:{port}/",
    "gopher://{host}:{port}/_GET",
    "dict://{host}:{port}/stat",
    "ftp://{host}:{port}/",
    "ws://{host}:{port}/",
    "ldap://{host}:{port}/",
    "tftp://{host}:{port}/x",
    "telnet://{host}:{port}/",
    "smb://{host}:{port}/share",
    "file:///etc/passwd",
    "file://{host}:{port}/etc/passwd",
]
# What may become of them: nothing that says anything of the address behind.
HARMLESS = {"blocked_address", "url_invalid", "unsupported_scheme", "dns_nxdomain", "dns_servfail"}
ASTRAY = HARMLESS | {"redirect_blocked_scheme", "redirect_invalid", "http_4xx", "ok", "redirected_temporary"}


@pytest.fixture
def bird() -> Iterator[Canary]:
    with canary() as alive:
        yield alive


@pytest.fixture
def far_bird() -> Iterator[Canary]:
    with canary(FORBIDDEN) as alive:
        yield alive


@pytest.fixture(scope="module")
def server() -> Iterator[BehaviourServer]:
    with BehaviourServer() as running:
        yield running


def results(settings: EngineSettings, targets: list[Target], names: NameServer | None = None) -> list[Result]:
    engine = Engine(settings, names.lookup) if names else Engine(settings)
    found = engine.check(targets)
    engine.close()
    return found


def test_there_are_enough_ways_to_try() -> None:
    assert len({*LOOPBACK, *INSIDE, *CONFUSING}) >= 150


def test_no_spelling_of_a_forbidden_address_is_connected_to(bird: Canary) -> None:
    urls = [f"{scheme}://{host}:{bird.port}/" for host in LOOPBACK + INSIDE for scheme in ("http", "https")]
    targets = [Target(url, full) for url in urls for full in (False, True)]
    wrong = {
        (target.url, result.reason.value)
        for target, result in zip(targets, results(SETTINGS, targets), strict=True)
        if result.reason not in HARMLESS
    }
    assert wrong == set()


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "[::ffff:127.0.0.1]", "localhost"])
def test_no_url_that_reads_otherwise_is_connected_to(bird: Canary, host: str) -> None:
    urls = [form.replace("{host}", host).replace("{port}", str(bird.port)) for form in CONFUSING]
    found = results(SETTINGS, [Target(url) for url in urls])
    wrong = {(url, result.reason.value) for url, result in zip(urls, found, strict=True)}
    assert {each for each in wrong if each[1] not in HARMLESS} == set()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_to_a_forbidden_address_is_followed(far_bird: Canary, server: BehaviourServer, status: int) -> None:
    hosts = [*as_numbers(FORBIDDEN), *disguised(FORBIDDEN), *(f"[{each}]" for each in hidden_in_v6(FORBIDDEN))]
    to = [f"http://{host}:{far_bird.port}/" for host in hosts]
    to += [form.replace("{host}", FORBIDDEN).replace("{port}", str(far_bird.port)) for form in CONFUSING]
    urls = [f"{server.bases['plain']}/redirect-to/{status}?url={quote(each, safe='')}" for each in to]
    found = results(ONE_ADDRESS, [Target(url, full) for url in urls for full in (False, True)])
    assert {result.reason.value for result in found} <= ASTRAY
    assert {hop.ip for result in found for hop in result.hops} <= {"127.0.0.1", None}


def test_no_second_hop_is_trusted_for_the_first(far_bird: Canary, server: BehaviourServer) -> None:
    plain = server.bases["plain"]
    last = f"http://{FORBIDDEN}:{far_bird.port}/"
    inner = f"{plain}/redirect-to/302?url={quote(last, safe='')}"
    outer = f"{plain}/redirect-to/307?url={quote(inner, safe='')}"
    (result,) = results(ONE_ADDRESS, [Target(outer)])
    assert result.reason == "blocked_address"
    assert [hop.status for hop in result.hops] == [307, 302, None]


def test_our_own_questions_are_guarded_too(far_bird: Canary) -> None:
    asking = replace(SETTINGS, suggest_https=True, soft_404=True, robots=True)
    target = Target(f"http://{FORBIDDEN}:{far_bird.port}/folder/page", options=CheckOptions(required_text=("x",)))
    (result,) = results(asking, [target])
    assert result.reason == "blocked_address"


def test_a_name_whose_answers_flip_is_connected_to_only_where_it_may(far_bird: Canary, server: BehaviourServer) -> None:
    """The allowed address stands for a public one; the other for one inside."""
    port = server.bases["plain"].rpartition(":")[2]
    with NameServer(["127.0.0.1"], [FORBIDDEN], ["127.0.0.1", FORBIDDEN], [FORBIDDEN, "127.0.0.1"]) as names:
        found = [
            result
            for number in range(24)
            for result in results(
                ONE_ADDRESS,
                [
                    Target(f"http://name-{number}.example:{far_bird.port}/"),
                    Target(f"http://name-{number}.example:{port}/ok"),
                    Target(f"http://other-{number}.example:{port}/redirect-to/302?url=http://flip.example:{port}/ok"),
                ],
                names,
            )
        ]
    assert names.resolver.asked >= 48
    assert {hop.ip for result in found for hop in result.hops} <= {"127.0.0.1", None}
    assert {result.reason.value for result in found} >= {"ok", "blocked_address"}


def test_a_name_that_flips_between_two_hops_is_judged_at_each(far_bird: Canary, server: BehaviourServer) -> None:
    port = server.bases["plain"].rpartition(":")[2]
    with NameServer(["127.0.0.1"], [FORBIDDEN]) as names:
        start = f"http://first.example:{port}/redirect-to/302?url=http://second.example:{far_bird.port}/"
        (result,) = results(ONE_ADDRESS, [Target(start)], names)
    assert result.reason == "blocked_address"
    assert [hop.ip for hop in result.hops] == ["127.0.0.1", None]


def test_an_address_among_allowed_ones_is_still_refused(far_bird: Canary) -> None:
    with NameServer([FORBIDDEN, "::1", "64:ff9b::7f00:2", "169.254.169.254"]) as names:
        (result,) = results(ONE_ADDRESS, [Target(f"http://many.example:{far_bird.port}/")], names)
    assert result.reason == "blocked_address"
