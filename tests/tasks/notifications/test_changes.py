import uuid

import msgspec
import pytest
from sqlalchemy import select

from config.settings import NOTIFICATIONS_KEY
from tasks.database import Sessions
from tasks.notifications import changes
from tasks.notifications.models import Channel, Outbox
from tasks.notifications.queries import get_channel, list_channels
from tasks.vault import Vault
from tests.conftest import MakeDatabase
from tests.tasks.notifications.desk import CALLER, WORKSPACE

VAULT = Vault(bytes(32), NOTIFICATIONS_KEY)


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("notifications")


def create(sessions: Sessions, kind: str, name: str, target: str) -> tuple[Channel, str]:
    with sessions.begin() as session:
        return changes.create_channel(session, WORKSPACE, changes.Wanted(kind, name, target), CALLER, VAULT)


def test_a_webhooks_secret_is_told_once_and_kept_sealed(sessions: Sessions) -> None:
    channel, secret = create(sessions, "webhook", "ops", "https://Example.com/hook")
    with sessions() as session:
        row = session.scalars(select(Channel)).one()
        assert row.target == "https://example.com/hook"
        assert row.secret
        assert secret.encode() not in row.secret
        assert VAULT.open(row.secret, WORKSPACE, row.id) == secret
        assert secret not in repr(get_channel(session, WORKSPACE, channel.id))
        assert secret not in session.scalars(select(Outbox.body)).one()


def test_a_mail_channel_has_no_secret_and_is_known_by_its_address(sessions: Sessions) -> None:
    channel, secret = create(sessions, "email", " ", "ops@example.com")
    assert (channel.name, secret) == ("ops@example.com", "")


def test_coming_and_going_are_announced_with_who_and_from_where(sessions: Sessions) -> None:
    channel, _ = create(sessions, "email", "ops", "ops@example.com")
    with sessions.begin() as session:
        changes.delete_channel(session, WORKSPACE, channel.id, CALLER)
    with sessions() as session:
        told = [msgspec.json.decode(body) for body in session.scalars(select(Outbox.body).order_by(Outbox.id))]
    assert [each["change"] for each in told] == ["created", "deleted"]
    assert {(each["actor"], each["ip"], each["user_agent"]) for each in told} == {("key:admin", "192.0.2.1", "curl/8")}
    assert told[0]["channel_id"] == str(channel.id)


def test_a_deleted_channel_is_gone_and_so_is_its_secret(sessions: Sessions) -> None:
    channel, _ = create(sessions, "webhook", "ops", "https://example.com/")
    with sessions.begin() as session:
        assert changes.delete_channel(session, WORKSPACE, channel.id, CALLER)
        assert changes.delete_channel(session, WORKSPACE, channel.id, CALLER) is None
    with sessions() as session:
        assert get_channel(session, WORKSPACE, channel.id) is None
        assert list_channels(session, WORKSPACE, 10, "") == ([], "")
        assert session.scalars(select(Channel.secret)).one() is None


def test_another_workspaces_channel_is_not_there(sessions: Sessions) -> None:
    channel, _ = create(sessions, "email", "ops", "ops@example.com")
    other = uuid.uuid4()
    with sessions.begin() as session:
        assert get_channel(session, other, channel.id) is None
        assert changes.delete_channel(session, other, channel.id, CALLER) is None
        assert list_channels(session, other, 10, "") == ([], "")


@pytest.mark.parametrize(
    ("kind", "name", "target", "fault"),
    [
        ("pigeon", "ops", "roof", "kind: there is no kind 'pigeon'; choose from webhook, email"),
        ("webhook", "ops", "ftp://example.com", "target: a webhook needs an http:// or https:// URL"),
        ("webhook", "ops", "", "target: the URL is empty"),
        ("email", "ops", "ops", "target: not a mail address"),
        ("email", "o\nps", "ops@example.com", "name: write at most 200 characters"),
        ("email", "o" * 201, "ops@example.com", "name: write at most 200 characters"),
    ],
)
def test_a_channel_that_cannot_be_is_refused_with_the_field_at_fault(
    sessions: Sessions, kind: str, name: str, target: str, fault: str
) -> None:
    with pytest.raises(changes.InvalidChannel) as error:
        create(sessions, kind, name, target)
    assert str(error.value).startswith(fault)
