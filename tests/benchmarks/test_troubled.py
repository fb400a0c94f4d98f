"""The list with trouble in it: its shares, and hosts that are as dead as they should be."""

from __future__ import annotations

import socket
from collections import Counter

import pytest

from benchmarks.site import black_hole, silent
from benchmarks.troubled import kind_of, troubled

LIVE = [f"127.1.0.{number}:80" for number in range(1, 199)]
DEAD = ["127.1.0.199:81", "127.1.0.200:82"]


def test_one_link_in_a_hundred_times_out_and_every_link_is_another() -> None:
    urls = troubled(LIVE, DEAD, 20_000)
    kinds = Counter(kind_of(url) for url in urls)

    assert len(set(urls)) == 20_000
    assert kinds["never"] == 200
    assert 5_500 < kinds["after"] < 6_000
    assert 500 < kinds["gone"] < 700
    assert 130 < kinds["reset"] < 270


def test_both_tools_get_the_same_list() -> None:
    assert troubled(LIVE, DEAD, 1_000) == troubled(LIVE, DEAD, 1_000)


def test_a_silent_host_takes_the_request_and_says_nothing() -> None:
    with silent("127.1.0.199") as port, socket.create_connection(("127.1.0.199", port), timeout=2) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_a_black_hole_takes_no_connection() -> None:
    with black_hole("127.1.0.200") as port, pytest.raises(TimeoutError):
        socket.create_connection(("127.1.0.200", port), timeout=0.3)
