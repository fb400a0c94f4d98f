from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import func, select, update

from tasks.accounts import keyring, queries
from tasks.accounts.keys import hash_of
from tasks.accounts.models import ApiKey, Outbox, Workspace
from tasks.accounts.scopes import UnknownScope
from tasks.database import Sessions
from tests.conftest import MakeDatabase


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("accounts")


def give(sessions: Sessions, *scopes: str, expires_at: datetime | None = None) -> str:
    with sessions.begin() as session:
        workspace = keyring.workspace_id_of(session, "default")
        return keyring.create_key(session, workspace, "robot", scopes or ("admin",), expires_at)


def who(sessions: Sessions, key: str) -> queries.Principal | None:
    with sessions() as session:
        return queries.authenticate(session, hash_of(key))


def test_a_key_says_whose_it_is_and_what_it_allows(sessions: Sessions) -> None:
    principal = who(sessions, give(sessions, "links:write", "links:read", "links:read"))
    assert principal
    assert (principal.name, principal.scopes) == ("robot", ("links:read", "links:write"))


def test_nothing_in_the_database_is_the_key(sessions: Sessions) -> None:
    key = give(sessions)
    with sessions() as session:
        row = session.scalars(select(ApiKey)).one()
        everything = repr([vars(each) for table in (ApiKey, Outbox) for each in session.scalars(select(table))])
    assert key not in everything
    assert key[12:-4] not in everything
    assert (row.prefix, row.last4) == (key[:8], key[-4:])


def test_a_key_is_announced_in_the_transaction_that_makes_it(sessions: Sessions) -> None:
    give(sessions, "audit:read")
    with sessions() as session:
        letter = session.scalars(select(Outbox)).one()
        row = session.scalars(select(ApiKey)).one()
    told = msgspec.json.decode(letter.body)
    assert letter.name == "KeyCreated"
    assert (told["key_id"], told["key_name"], told["scopes"]) == (str(row.id), "robot", ["audit:read"])


def test_an_expired_a_revoked_and_an_unknown_key_are_nobodys(sessions: Sessions) -> None:
    now = datetime.now(UTC)
    expired = give(sessions, expires_at=now - timedelta(seconds=1))
    lasting = give(sessions, expires_at=now + timedelta(hours=1))
    revoked = give(sessions)
    with sessions.begin() as session:
        session.execute(update(ApiKey).where(ApiKey.hash == hash_of(revoked)).values(revoked_at=func.now()))
    assert who(sessions, lasting)
    assert [who(sessions, key) for key in (expired, revoked, "pra_unknown")] == [None, None, None]


@pytest.mark.parametrize("scopes", [("links:delete",), ("links:read", "root"), ()])
def test_a_scope_that_does_not_exist_makes_no_key(sessions: Sessions, scopes: tuple[str, ...]) -> None:
    with sessions() as session, pytest.raises(UnknownScope, match="links:read"):
        keyring.create_key(session, keyring.workspace_id_of(session, "default"), "robot", scopes)


def test_a_workspace_is_made_once(sessions: Sessions) -> None:
    give(sessions)
    give(sessions)
    with sessions() as session:
        assert [each.name for each in session.scalars(select(Workspace))] == ["default"]


def test_the_use_of_a_key_is_noted_to_the_hour(sessions: Sessions) -> None:
    principal = who(sessions, give(sessions))
    assert principal
    seen = []
    for age in (None, timedelta(minutes=59), timedelta(minutes=61)):
        with sessions.begin() as session:
            if age:
                session.execute(update(ApiKey).values(last_used_at=func.now() - age))
            before = session.scalars(select(ApiKey.last_used_at)).one()
            keyring.note_use(session, principal.key_id)
            seen.append(session.scalars(select(ApiKey.last_used_at)).one() != before)
    assert seen == [True, False, True]
