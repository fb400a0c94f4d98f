"""A small web site with one page for each thing that can be wrong with a link: `python -m cli.local.demo`."""

import argparse
import datetime
import ipaddress
import itertools
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# A loopback address of its own, so that the guard against internal addresses opens for this site and nothing else.
HOST = "127.77.0.1"
SLOW_S = 1.5


@dataclass(frozen=True)
class Reply:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True)
class Page:
    """`verdicts` are those that a right check may come to; of a flaky page either."""

    path: str
    words: str
    verdicts: frozenset[str]
    reply: Callable[[], Reply]
    tls: bool = False


def slowly() -> Reply:
    time.sleep(SLOW_S)
    return Reply(text="Here at last.")


FLAKY = itertools.cycle((Reply(500), Reply(text="Well this time.")))

PAGES = (
    Page("/fine", "All is well here.", frozenset({"ok"}), lambda: Reply(text="All is well here.")),
    Page("/moved", "Moved for good.", frozenset({"degraded"}), lambda: Reply(301, {"Location": "/fine"})),
    Page("/gone", "Taken away.", frozenset({"broken"}), lambda: Reply(410, text="Gone.")),
    Page("/missing", "Never was.", frozenset({"broken"}), lambda: Reply(404, text="Not found.")),
    Page("/slow", "Takes its time.", frozenset({"ok", "degraded"}), slowly),
    Page("/flaky", "Fails every other time.", frozenset({"ok", "broken"}), lambda: next(FLAKY)),
    Page("/untrusted", "Its certificate is its own.", frozenset({"broken"}), lambda: Reply(text="Who am I?"), tls=True),
)


@dataclass(frozen=True)
class Site:
    """Where the site is; two ports, one of them with TLS."""

    port: int
    tls_port: int
    host: str = HOST

    def url(self, page: Page) -> str:
        scheme, port = ("https", self.tls_port) if page.tls else ("http", self.port)
        return f"{scheme}://{self.host}:{port}{page.path}"

    @property
    def home(self) -> str:
        return f"http://{self.host}:{self.port}/"

    def is_right(self, url: str, verdict: str) -> bool:
        """Whether a check of one of the pages may come to this verdict."""
        return any(self.url(page) == url and verdict in page.verdicts for page in PAGES)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        self._send(self._reply(), with_body=True)

    def do_HEAD(self) -> None:
        self._send(self._reply(), with_body=False)

    def _reply(self) -> Reply:
        path = self.path.split("?", 1)[0]
        if path == "/":
            return Reply(text=contents(self.site))
        page = next((page for page in PAGES if page.path == path), None)
        return page.reply() if page else Reply(404, text="Not found.")

    def _send(self, reply: Reply, with_body: bool) -> None:
        body = document(reply.text).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        print(f"{self.address_string()} {format % args}", flush=True)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that does not trust the certificate hangs up; that is what the page is for."""


def document(text: str) -> str:
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Pranala demo</title><body><p>{text}</p>'


def contents(site: Site) -> str:
    entries = (f'<li><a href="{site.url(page)}">{page.path}</a> {page.words}</li>' for page in PAGES)
    return f"Pages to try link checks on:</p><ul>{''.join(entries)}</ul><p>"


def make_certificate(path: Path, host: str) -> None:
    """A self-signed certificate and its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Pranala demo")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + certificate.public_bytes(encoding))


def serve(site: Site, certificate: Path) -> None:
    """Both ports, until killed."""
    handler = type("SiteHandler", (Handler,), {"site": site})
    make_certificate(certificate, site.host)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    secure = Server((site.host, site.tls_port), handler)
    # The handshake is left to the connection's own thread: here one silent client would hold up all others.
    secure.socket = context.wrap_socket(secure.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=secure.serve_forever, daemon=True).start()
    Server((site.host, site.port), handler).serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tls-port", type=int, required=True)
    parser.add_argument("--certificate", type=Path, required=True, help="file to write the certificate to")
    options = parser.parse_args()
    serve(Site(options.port, options.tls_port, options.host), options.certificate)


if __name__ == "__main__":
    main()
