"""Is it there yet? Asked of each server in its own protocol, because an open port promises nothing."""

import socket
import time
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

import psycopg

from cli.local.errors import NotReady

PATIENCE_S = 2.0
STEP_S = 0.05

Question = Callable[[], None]
"""Returns when the answer is yes, raises NotReady when it is not yet."""


def wait_until(question: Question, within_s: float, watch: Callable[[], None]) -> None:
    """Ask until it is so; `watch` is called between the questions and may raise to give up early."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return question()
        except NotReady as refusal:
            if time.monotonic() > deadline:
                raise NotReady(f"{refusal} (waited {within_s:.0f} s)") from refusal
        watch()
        time.sleep(STEP_S)


def ask_rabbitmq(url: str) -> None:
    """Of several nodes one is enough."""
    refusals = []
    for node in url.split(";"):
        try:
            return _ask_node(node)
        except NotReady as refusal:
            refusals.append(str(refusal))
    raise NotReady("; ".join(refusals))


def _ask_node(url: str) -> None:
    """The AMQP 0-9-1 header must be answered by a method frame (connection.start)."""
    if urlsplit(url).scheme == "amqps":
        return _ask_tls(url, 5671)
    answer = _exchange(url, 5672, b"AMQP\x00\x00\x09\x01")
    if answer[:1] != b"\x01":
        raise NotReady(f"RabbitMQ at {where(url)} does not speak AMQP 0-9-1 yet")


def ask_redis(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "rediss":
        return _ask_tls(url, 6379)
    words = [unquote(word) for word in (parts.username, parts.password) if word]
    login = _command("AUTH", *words) if words else b""
    answer = _exchange(url, 6379, login + _command("PING"))
    if b"+PONG" not in answer:
        raise NotReady(f"Redis at {where(url)} does not answer PING: {answer[:80].decode(errors='replace').strip()}")


def ask_postgres(url: str) -> None:
    try:
        with psycopg.connect(libpq(url), connect_timeout=2):
            return
    except psycopg.OperationalError as error:
        raise NotReady(f"PostgreSQL at {where(url)} does not let us in: {str(error).strip()}") from error


def ask_port(host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), timeout=PATIENCE_S).close()
    except OSError as error:
        raise NotReady(f"nothing listens on {host}:{port} yet") from error


def libpq(url: str) -> str:
    """The URL as libpq knows it, without SQLAlchemy's driver name."""
    scheme, rest = url.split("://", 1)
    return f"{scheme.split('+', 1)[0]}://{rest}"


def where(url: str) -> str:
    """Host and port of each, fit for a message: no user, no password."""
    return ", ".join(urlsplit(each).netloc.rpartition("@")[2] for each in url.split(";"))


def _ask_tls(url: str, default_port: int) -> None:
    """Whether somebody listens: whom to trust behind TLS is for the product's own settings to say."""
    parts = urlsplit(url)
    ask_port(parts.hostname or "127.0.0.1", parts.port or default_port)


def _command(*words: str) -> bytes:
    """One Redis command in RESP, which unlike the inline form allows any character in a password."""
    parts = [f"*{len(words)}\r\n".encode()]
    parts += [b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words]
    return b"".join(parts)


def _exchange(url: str, default_port: int, request: bytes) -> bytes:
    """Send one request, read until the first bytes of an answer have come and a short silence follows."""
    parts = urlsplit(url)
    address = (parts.hostname or "127.0.0.1", parts.port or default_port)
    try:
        with socket.create_connection(address, timeout=PATIENCE_S) as connection:
            connection.sendall(request)
            return _read(connection)
    except OSError as error:
        raise NotReady(f"{where(url)} does not answer: {error}") from error


def _read(connection: socket.socket) -> bytes:
    answer = connection.recv(512)
    connection.settimeout(0.05)
    try:
        while part := connection.recv(512):
            answer += part
    except TimeoutError:
        pass
    return answer
