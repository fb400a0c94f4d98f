"""The demo site has what it says it has."""

import http.client
import ssl
import subprocess
import sys
from collections.abc import Iterator

import pytest

from cli.local.demo import PAGES, Site
from cli.local.errors import NotReady
from cli.local.ports import Ports
from cli.local.readiness import ask_port
from tests.cli.local.conftest import until

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("demo")
    ports = Ports(folder / "ports.json")
    place = Site(ports.get("demo"), ports.get("demo-tls"))
    options = ["--port", str(place.port), "--tls-port", str(place.tls_port), "--certificate", str(folder / "demo.pem")]
    with subprocess.Popen([sys.executable, "-m", "cli.local.demo", *options], stdout=subprocess.DEVNULL) as process:
        until(lambda: listens(place.host, place.port))
        yield place
        process.kill()


def listens(host: str, port: int) -> bool:
    try:
        ask_port(host, port)
    except NotReady:
        return False
    return True


def status(site: Site, path: str, method: str = "GET") -> int:
    connection = http.client.HTTPConnection(site.host, site.port, timeout=5)
    connection.request(method, path)
    return connection.getresponse().status


@pytest.mark.parametrize(("path", "expected"), [("/fine", 200), ("/moved", 301), ("/gone", 410), ("/missing", 404)])
def test_pages_answer_as_they_are_named(site: Site, path: str, expected: int) -> None:
    assert status(site, path) == expected
    assert status(site, path, "HEAD") == expected


def test_the_flaky_page_fails_every_other_time(site: Site) -> None:
    first = status(site, "/flaky")
    assert {first, status(site, "/flaky")} == {200, 500}
    assert status(site, "/flaky") == first


def test_nobody_trusts_the_certificate(site: Site) -> None:
    connection = http.client.HTTPSConnection(site.host, site.tls_port, timeout=5)
    with pytest.raises(ssl.SSLCertVerificationError, match="self-signed"):
        connection.request("GET", "/untrusted")


def test_a_client_that_says_nothing_does_not_hold_up_the_next(site: Site) -> None:
    silent = http.client.HTTPConnection(site.host, site.tls_port, timeout=5)
    silent.connect()
    # The context is the point of the test: whoever does not verify gets in.
    anybody = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection(site.host, site.tls_port, timeout=5, context=anybody)
    connection.request("GET", "/untrusted")
    assert connection.getresponse().status == 200
    silent.close()


def test_the_home_page_leads_to_every_page(site: Site) -> None:
    connection = http.client.HTTPConnection(site.host, site.port, timeout=5)
    connection.request("GET", "/")
    text = connection.getresponse().read().decode()
    assert all(site.url(page) in text for page in PAGES)
