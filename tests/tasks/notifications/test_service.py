import base64
import uuid

import pytest

from config.settings import SettingsError
from tasks.notifications.messages import Deliver, SendNotification
from tasks.notifications.service import build
from tests.conftest import MakeDatabase
from tests.servers.mail import Mailbox
from tests.servers.receiver import Receiver
from tests.tasks.notifications.desk import WORKSPACE, Desk

KEY = base64.b64encode(bytes(32)).decode()


def environ(desk: Desk, **more: str) -> dict[str, str]:
    url = desk.sessions.kw["bind"].url.render_as_string(hide_password=False)
    return {"PRANALA_NOTIFICATIONS_KEY": KEY, "PRANALA_NOTIFICATIONS_DATABASE_URL": url, **more}


def test_a_notification_reaches_a_real_mailbox_and_a_real_receiver(database: MakeDatabase) -> None:
    desk = Desk(database("notifications"))
    with Mailbox() as mailbox, Receiver() as receiver:
        settings = environ(
            desk, PRANALA_SMTP_URL=f"smtp://127.0.0.1:{mailbox.port}", PRANALA_ALLOW_NETWORKS="127.0.0.0/8"
        )
        service = build(settings)
        desk.channel("email")
        receiver.trust(desk.webhook(receiver.url))
        service.handlers[SendNotification](SendNotification(uuid.uuid4(), WORKSPACE, "Hello", "World"))
        for job in desk.told("Deliver"):
            service.handlers[Deliver](Deliver(uuid.UUID(job["delivery_id"])))
        assert mailbox.messages[0]["Subject"] == "Hello"
        assert receiver.received[0]["data"] == {"title": "Hello", "body": "World"}
    assert {each.state for each in desk.deliveries()} == {"succeeded"}


def test_a_mail_server_that_cannot_be_read_stops_the_worker_with_the_settings_name(database: MakeDatabase) -> None:
    desk = Desk(database("notifications"))
    with pytest.raises(SettingsError, match="PRANALA_SMTP_URL is malformed: expected smtp://"):
        build(environ(desk, PRANALA_SMTP_URL="mail.example.com:25"))
