import json
import socket
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from tasks.guard import AddressPolicy
from tasks.notifications.channels.sending import LONGEST_ANSWER, Envelope, InvalidTarget
from tasks.notifications.channels.webhook import WebhookSender, new_secret, valid_target
from tests.servers.certificates import Certificates
from tests.servers.receiver import Answer, Receiver
from tests.servers.rude import Behaviour, rude_server

LOOPBACK = AddressPolicy((ip_network("127.0.0.0/8"),))
SECRET = new_secret()
PAYLOAD = '{"type":"link.broken","timestamp":"2026-11-21T23:11:00Z","data":{"url":"https://example.com/ü"}}'
TIMEOUT_S = 1.0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(SECRET) as receiver:
        yield receiver


@pytest.fixture
def send() -> WebhookSender:
    return WebhookSender(LOOPBACK, TIMEOUT_S)


def envelope(target: str, secret: str = SECRET) -> Envelope:
    return Envelope(uuid.uuid4(), target, secret, "Title", "Body", PAYLOAD, "00-" + "a" * 32 + "-" + "b" * 16 + "-01")


def answering(text: bytes, wait_s: float = 0.0) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(text)
        time.sleep(wait_s)

    return behave


def test_a_signed_payload_is_received_as_it_is(send: WebhookSender, receiver: Receiver) -> None:
    outcome = send(envelope(receiver.url))
    assert (outcome.ok, outcome.status) == (True, 200)
    assert receiver.received == [json.loads(PAYLOAD)]


def test_the_headers_are_those_of_the_specification(send: WebhookSender, receiver: Receiver) -> None:
    sent = envelope(receiver.url)
    send(sent)
    headers = {name.lower(): value for name, value in receiver.calls[0].headers.items()}
    assert headers["webhook-id"] == str(sent.id)
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 5
    assert headers["webhook-signature"].startswith("v1,")
    assert (headers["content-type"], headers["traceparent"]) == ("application/json", sent.traceparent)
    assert receiver.calls[0].body == PAYLOAD.encode()


def test_an_attempt_made_again_has_the_same_id_and_a_fresh_signature(send: WebhookSender, receiver: Receiver) -> None:
    sent = envelope(receiver.url)
    send(sent)
    time.sleep(1.1)
    send(sent)
    first, second = ({name.lower(): value for name, value in call.headers.items()} for call in receiver.calls)
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-signature"] != second["webhook-signature"]


def test_a_receiver_that_holds_another_secret_is_not_told(send: WebhookSender, receiver: Receiver) -> None:
    outcome = send(envelope(receiver.url, new_secret()))
    assert (outcome.ok, outcome.status, outcome.answer) == (False, 401, "the signature is wrong")
    assert receiver.received == []


@pytest.mark.parametrize(
    ("status", "ok", "permanent"),
    [
        (200, True, False),
        (202, True, False),
        (204, True, False),
        (400, False, False),
        (404, False, False),
        (410, False, True),
        (429, False, False),
        (500, False, False),
        (503, False, False),
    ],
)
def test_only_2xx_is_success_and_only_410_is_final(
    send: WebhookSender, receiver: Receiver, status: int, ok: bool, permanent: bool
) -> None:
    receiver.answers = [Answer(status)]
    outcome = send(envelope(receiver.url))
    assert (outcome.ok, outcome.status, outcome.permanent) == (ok, status, permanent)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(send: WebhookSender, receiver: Receiver, status: int) -> None:
    receiver.answers = [Answer(status, {"Location": f"{receiver.url}/elsewhere"})]
    outcome = send(envelope(receiver.url))
    assert (outcome.ok, outcome.status, outcome.permanent) == (False, status, False)
    assert outcome.answer == f"redirects are not followed; this one leads to {receiver.url}/elsewhere"
    assert len(receiver.calls) == 1


def test_retry_after_is_read_as_seconds_and_as_a_date(send: WebhookSender, receiver: Receiver) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    values = ["30", later, "soon", "", "-5", "9" * 400]
    receiver.answers = [Answer(429, {"Retry-After": value}) for value in values]
    seconds, date, *rest = [send(envelope(receiver.url)).retry_after_s for _ in values]
    assert seconds == 30
    assert date
    assert 80 < date <= 90
    assert rest == [None, None, None, 999_999_999]


def test_of_a_long_answer_the_beginning_is_kept(send: WebhookSender, receiver: Receiver) -> None:
    receiver.answers = [Answer(500, body=b"why " * 100_000)]
    outcome = send(envelope(receiver.url))
    assert (outcome.status, len(outcome.answer)) == (500, LONGEST_ANSWER)


ENDLESS = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000_000


@pytest.mark.parametrize(
    ("behave", "ok"),
    [
        (answering(b""), False),
        (answering(b"SSH-2.0-OpenSSH_9.2\r\n"), False),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), False),
        (answering(b"HTTP/1.1 200 OK\r\n" + b"X-Much: more\r\n" * 100_000), False),
        (answering(b"HTTP/1.1 100 Continue\r\n\r\n", wait_s=3), False),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"), True),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\xff\x00\xfe"), True),
        (answering(ENDLESS, wait_s=3), True),
    ],
    ids=["nothing", "another protocol", "half", "headers", "no end", "no gzip", "no text", "too much"],
)
def test_whatever_a_receiver_says_ends_in_time_and_in_an_outcome(
    send: WebhookSender, behave: Behaviour, ok: bool
) -> None:
    with rude_server(behave) as port:
        began = time.monotonic()
        outcome = send(envelope(f"http://127.0.0.1:{port}/"))
    assert outcome.ok is ok
    assert "\0" not in outcome.answer
    assert not outcome.permanent
    assert time.monotonic() - began < TIMEOUT_S + 1


def drip(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(100):
        connection.sendall(b".")
        time.sleep(0.1)


def hang(connection: socket.socket) -> None:
    time.sleep(5)


@pytest.mark.parametrize("behave", [drip, hang])
def test_a_receiver_that_takes_its_time_gets_the_time_out_and_no_more(send: WebhookSender, behave: Behaviour) -> None:
    with rude_server(behave) as port:
        began = time.monotonic()
        outcome = send(envelope(f"http://127.0.0.1:{port}/"))
    assert not outcome.ok
    assert "timed out" in outcome.answer
    assert TIMEOUT_S - 0.1 < time.monotonic() - began < TIMEOUT_S + 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
def test_an_address_that_is_not_permitted_is_refused_for_good_and_not_connected_to(
    receiver: Receiver, host: str
) -> None:
    port = receiver.url.rsplit(":")[-1].partition("/")[0]
    outcome = WebhookSender(AddressPolicy(), TIMEOUT_S)(envelope(f"http://{host}:{port}/"))
    assert (outcome.ok, outcome.permanent, receiver.calls) == (False, True, [])
    assert outcome.answer.endswith("is not a public address")


def test_the_environments_proxy_is_not_asked(
    receiver: Receiver, send: WebhookSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert send(envelope(receiver.url)).ok


def test_a_receiver_that_is_not_there_may_come_back(send: WebhookSender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    refused = send(envelope(f"http://127.0.0.1:{port}/"))
    unknown = send(envelope("http://nowhere.invalid/"))
    assert [(each.ok, each.permanent, each.status) for each in (refused, unknown)] == [(False, False, None)] * 2
    assert "nowhere.invalid" in unknown.answer


@pytest.mark.parametrize(
    ("kind", "ok"), [("good", True), ("expired", False), ("hostname", False), ("untrusted", False)]
)
def test_the_certificate_must_be_right(tmp_path: Path, kind: str, ok: bool) -> None:
    certificates = Certificates(tmp_path)

    def behave(connection: socket.socket) -> None:
        with certificates.contexts[kind].wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with rude_server(behave) as port:
        sender = WebhookSender(LOOPBACK, TIMEOUT_S, str(certificates.ca_file))
        assert sender(envelope(f"https://127.0.0.1:{port}/")).ok is ok


@pytest.mark.parametrize(
    ("text", "url"),
    [(" HTTPS://Example.COM ", "https://example.com/"), ("http://example.com:80/a b", "http://example.com/a%20b")],
)
def test_a_url_is_kept_in_its_normal_form(text: str, url: str) -> None:
    assert valid_target(text) == url


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is empty"),
        ("example.com/hook", "has no scheme"),
        ("ftp://example.com/", "http:// or https://"),
        ("https://user:pw@example.com/", "user name or password"),
        ("http://[::1/", "cannot be read as a URL"),
    ],
)
def test_what_is_no_webhook_url_is_refused_with_what_to_write_instead(text: str, fault: str) -> None:
    with pytest.raises(InvalidTarget, match=fault):
        valid_target(text)


def test_a_secret_is_one_that_every_library_of_the_specification_reads() -> None:
    secret = new_secret()
    assert secret.startswith("whsec_")
    assert len(Webhook(secret)._whsecret) == 32
    assert secret != new_secret()
