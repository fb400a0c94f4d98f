import socket
import time
import uuid
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from tasks.notifications.channels.email import EmailSender, SmtpServer, smtp_server, valid_target
from tasks.notifications.channels.sending import Envelope, InvalidTarget
from tests.servers.certificates import Certificates
from tests.servers.mail import Mailbox
from tests.servers.rude import Behaviour, rude_server

SENDER = "Pranala <pranala@example.org>"
TIMEOUT_S = 1.0

# aiosmtpd warns of the very thing that is tested here.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as mailbox:
        yield mailbox


def envelope(title: str = "Broken link: https://example.com/", body: str = "It is broken.") -> Envelope:
    return Envelope(uuid.uuid4(), "team@example.org", "", title, body, "{}")


def sender(url: str, timeout_s: float = TIMEOUT_S, ca_file: str = "") -> EmailSender:
    return EmailSender(smtp_server(url), SENDER, timeout_s, ca_file)


def test_a_mail_says_what_the_message_says(mailbox: Mailbox) -> None:
    sent = envelope("Broken link: https://example.com/é…", "Zeile 1: ü\n.\nFrom here on\n" + "x" * 3_000)
    outcome = sender(f"smtp://127.0.0.1:{mailbox.port}")(sent)
    [mail] = mailbox.messages
    assert (outcome.ok, outcome.status, outcome.answer) == (True, 250, "OK queued as 1")
    assert (mail["From"], mail["To"], mail["Subject"]) == (SENDER, sent.target, sent.title)
    assert mail.get_content().replace("\r\n", "\n") == sent.body + "\n"


def test_the_message_id_is_the_deliverys_and_the_mail_asks_for_no_automatic_answer(mailbox: Mailbox) -> None:
    sent = envelope()
    for _ in range(2):
        sender(f"smtp://127.0.0.1:{mailbox.port}")(sent)
    assert [mail["Message-ID"] for mail in mailbox.messages] == [f"<{sent.id}@example.org>"] * 2
    assert mailbox.messages[0]["Auto-Submitted"] == "auto-generated"
    assert abs(parsedate_to_datetime(mailbox.messages[0]["Date"]).timestamp() - time.time()) < 5


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [("550 no such mailbox", True), ("553 not allowed", True), ("450 try again later", False), ("421 busy", False)],
)
def test_a_recipient_that_is_refused_for_good_is_not_tried_again(
    mailbox: Mailbox, answer: str, permanent: bool
) -> None:
    mailbox.refusals["team@example.org"] = answer
    outcome = sender(f"smtp://127.0.0.1:{mailbox.port}")(envelope())
    assert (outcome.ok, outcome.permanent, f"{outcome.status} {outcome.answer}") == (False, permanent, answer)
    assert mailbox.messages == []


def test_without_a_server_the_operator_is_told_what_to_set() -> None:
    outcome = EmailSender(None, SENDER, TIMEOUT_S)(envelope())
    assert (outcome.ok, outcome.permanent) == (False, False)
    assert "PRANALA_SMTP_URL" in outcome.answer


def greet_slowly(connection: socket.socket) -> None:
    for character in "220-" + "wait" * 1_000:
        connection.sendall(character.encode())
        time.sleep(0.1)


def never_greet(connection: socket.socket) -> None:
    time.sleep(5)


def hang_up(connection: socket.socket) -> None:
    connection.sendall(b"220 hello\r\n")


def speak_http(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n\0")


def take_and_stall(connection: socket.socket) -> None:
    connection.sendall(b"220 hello\r\n")
    while line := connection.recv(65536):
        if b"\r\n.\r\n" in line:
            time.sleep(5)
        connection.sendall(b"354 go on\r\n" if line.startswith(b"data") else b"250 fine\r\n")


@pytest.mark.parametrize("behave", [greet_slowly, never_greet, hang_up, speak_http, take_and_stall])
def test_whatever_a_server_does_ends_in_time_and_in_an_outcome(behave: Behaviour) -> None:
    with rude_server(behave) as port:
        began = time.monotonic()
        outcome = sender(f"smtp://127.0.0.1:{port}")(envelope())
    assert (outcome.ok, outcome.permanent) == (False, False)
    assert ("not done within" in outcome.answer) or behave in (hang_up, speak_http, never_greet)
    assert "\0" not in outcome.answer
    assert time.monotonic() - began < TIMEOUT_S + 1


def take_and_leave(connection: socket.socket) -> None:
    connection.sendall(b"220 hello\r\n")
    while line := connection.recv(65536):
        if line.startswith(b"quit"):
            return
        connection.sendall(b"354 go on\r\n" if line.startswith(b"data") else b"250 fine\r\n")


def test_a_mail_that_was_taken_is_delivered_even_if_nobody_says_goodbye() -> None:
    with rude_server(take_and_leave) as port:
        assert sender(f"smtp://127.0.0.1:{port}")(envelope()).ok


@pytest.mark.parametrize(
    ("kind", "ok"), [("good", True), ("expired", False), ("hostname", False), ("untrusted", False)]
)
@pytest.mark.parametrize("implicit", [True, False], ids=["smtps", "starttls"])
def test_the_certificate_must_be_right(tmp_path: Path, kind: str, ok: bool, implicit: bool) -> None:
    certificates = Certificates(tmp_path)
    with Mailbox(certificates.contexts[kind], implicit) as mailbox:
        scheme = "smtps" if implicit else "smtp"
        outcome = sender(f"{scheme}://127.0.0.1:{mailbox.port}", 3, str(certificates.ca_file))(envelope())
    assert outcome.ok is ok
    assert len(mailbox.messages) == ok


def test_who_may_send_logs_in_over_tls(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    with Mailbox(certificates.contexts["good"], users={"ops": "p@ss/word"}) as mailbox:
        place, ca_file = f"127.0.0.1:{mailbox.port}", str(certificates.ca_file)
        right = sender(f"smtp://ops:p%40ss%2Fword@{place}", 3, ca_file)(envelope())
        wrong = sender(f"smtp://ops:guess@{place}", 3, ca_file)(envelope())
    assert right.ok
    assert (wrong.ok, wrong.status, wrong.permanent) == (False, 535, False)


def test_a_password_is_not_sent_in_the_clear_unless_the_operator_says_so() -> None:
    with Mailbox(users={"ops": "secret"}) as mailbox:
        place = f"smtp://ops:secret@127.0.0.1:{mailbox.port}"
        refused, allowed = sender(place)(envelope()), sender(f"{place}?starttls=never")(envelope())
    assert not refused.ok
    assert "STARTTLS" in refused.answer
    assert allowed.ok


def test_tls_that_is_required_is_not_done_without(mailbox: Mailbox) -> None:
    assert not sender(f"smtp://127.0.0.1:{mailbox.port}?starttls=require")(envelope()).ok


def test_a_server_that_is_not_there_may_come_back() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcome = sender(f"smtp://127.0.0.1:{port}")(envelope())
    assert (outcome.ok, outcome.permanent) == (False, False)
    assert f"127.0.0.1:{port}" in outcome.answer


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.com", SmtpServer("mail.example.com", 25)),
        ("smtp://127.0.0.1:1025?starttls=never", SmtpServer("127.0.0.1", 1025, starttls="never")),
        ("smtps://me%40a:p%3Aw@mail.example.com", SmtpServer("mail.example.com", 465, "me@a", "p:w", tls=True)),
        ("smtp://[::1]:2525", SmtpServer("::1", 2525)),
    ],
)
def test_a_server_is_written_as_a_url(url: str, server: SmtpServer) -> None:
    assert smtp_server(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "ops:secret@mail.example.com",
        "http://ops:secret@mail",
        "smtp://",
        "smtp://mail:port",
        "smtp://mail:99999",
        "smtp://ops:secret@mail?starttls=maybe",
        "smtp://ops:sec/ret@mail",
        "smtp://ops:[secret@mail",
    ],
)
def test_a_server_that_cannot_be_read_is_an_error_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="expected smtp://host:port") as error:
        smtp_server(url)
    assert "sec" not in str(error.value)


@pytest.mark.parametrize("text", ["ops@example.com", " a.b+c@sub.example.co.id ", "root@localhost", "o'neil@x--y.z"])
def test_an_address_is_kept_as_it_is(text: str) -> None:
    assert valid_target(text) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ops",
        "@example.com",
        "ops@",
        "a@b@c",
        "a b@c.d",
        "a@b..c",
        ".a@b.c",
        "a.@b.c",
        "a..b@c.d",
        "a@-b.c",
        "a@b.c, d@e.f",
        "a@b.c\r\nBcc: x@y.z",
        "<a@b.c>",
        "Me <a@b.c>",
        "é@b.c",
        "a@é.c",
        "a" * 65 + "@b.c",
        "a@b.c\x00",
    ],
)
def test_what_is_no_address_is_refused_with_what_to_write_instead(text: str) -> None:
    with pytest.raises(InvalidTarget, match=r"ops@example\.com"):
        valid_target(text)
