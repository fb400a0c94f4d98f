"""Which addresses may be connected to."""

from ipaddress import ip_network

import pytest

from tasks.guard import BAD_PORTS, AddressPolicy

# fmt: off
REFUSED = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1",
    "127.255.255.254", "169.254.0.1", "169.254.169.254", "169.254.170.2", "100.100.100.200",
    "168.63.129.16", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.8", "192.0.0.192",
    "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.168.1.1", "192.175.48.1",
    "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255",
    "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::10.0.0.1", "::ffff:127.0.0.1",
    "::ffff:169.254.169.254", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::10.0.0.1", "64:ff9b:1:a00:0:100::", "64:ff9b:1:a00:0:100:808:808", "64:ff9b:1::",
    "100::1", "100:0:0:1::1", "2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1",
    "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:101::", "2620:4f:8000::1", "3fff::1", "5f00::1",
    "fc00::1", "fd00:ec2::254", "fd20:ce::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
    "ff0e::1", "4000::1", "2001:0:808:808:0:0:f5ff:fffe",
]
# fmt: on

# fmt: off
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
    "126.255.255.255", "128.0.0.0", "168.63.129.15", "172.15.255.255", "172.32.0.0", "192.0.1.0",
    "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
    "2606:4700:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "2001:200::1", "3ffe:ffff::1",
    "2606:4700::1%eth0", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "64:ff9b:1::8.8.8.8",
    "64:ff9b:1:808:8:800::", "2002:808:808::1", "2001:0:808:808:0:0:f7f7:f7f7",
]
# fmt: on


@pytest.mark.parametrize("ip", REFUSED)
def test_special_purpose_addresses_are_refused(ip: str) -> None:
    assert not AddressPolicy().permits(ip, 80)


@pytest.mark.parametrize("ip", PUBLIC)
def test_public_addresses_are_permitted(ip: str) -> None:
    assert AddressPolicy().refusal(ip, 443) is None


@pytest.mark.parametrize("ip", ["", "localhost", "127.1", "0x7f000001", "2130706433", "1.1.1.1:80", "[::1]"])
def test_what_is_not_an_address_is_refused(ip: str) -> None:
    assert AddressPolicy(allow=(ip_network("0.0.0.0/0"),)).refusal(ip, 80) == f"{ip} is not an IP address"


@pytest.mark.parametrize(
    ("network", "ip", "permitted"),
    [
        ("127.0.0.0/8", "127.0.0.1", True),
        ("127.0.0.0/8", "127.200.1.2", True),
        ("127.0.0.0/8", "10.0.0.1", False),
        ("127.0.0.0/8", "::1", False),
        ("127.0.0.0/8", "::ffff:127.0.0.1", True),
        ("127.0.0.0/8", "64:ff9b::127.0.0.1", True),
        ("10.1.0.0/16", "10.1.2.3", True),
        ("10.1.0.0/16", "10.2.2.3", False),
        ("10.1.0.0/16", "2002:a01:203::1", True),
        ("::1/128", "::1", True),
        ("fe80::/10", "fe80::1%eth0", True),
        ("64:ff9b:1::/48", "64:ff9b:1:fffe::10.0.0.1", True),
        ("169.254.169.254/32", "169.254.169.254", True),
    ],
)
def test_the_operators_networks_win(network: str, ip: str, permitted: bool) -> None:
    assert AddressPolicy(allow=(ip_network(network),)).permits(ip, 80) is permitted


@pytest.mark.parametrize("port", sorted(BAD_PORTS))
def test_ports_of_other_protocols_are_refused_on_public_addresses(port: int) -> None:
    assert AddressPolicy().refusal("1.1.1.1", port) == f"port {port} is not a web port"


@pytest.mark.parametrize("port", [80, 81, 443, 3000, 8000, 8080, 8443, 65535])
def test_usual_and_unusual_web_ports_are_permitted(port: int) -> None:
    assert AddressPolicy().permits("1.1.1.1", port)


@pytest.mark.parametrize(
    ("port", "permitted"), [(80, True), (443, True), (8000, True), (8999, True), (81, False), (9000, False), (25, True)]
)
def test_of_an_allow_list_no_other_port_is_permitted(port: int, permitted: bool) -> None:
    policy = AddressPolicy(ports=((80, 80), (443, 443), (8000, 8999), (25, 25)))
    assert policy.permits("1.1.1.1", port) is permitted
    assert not policy.permits("10.0.0.1", port)


def test_every_port_is_permitted_on_the_operators_networks() -> None:
    assert AddressPolicy(allow=(ip_network("10.0.0.0/8"),)).permits("10.0.0.1", 6000)


def test_the_refusal_names_the_address() -> None:
    assert AddressPolicy().refusal("10.0.0.1", 80) == "10.0.0.1 is not a public address"
