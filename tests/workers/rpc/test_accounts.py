from collections.abc import Iterator

import grpc
import pytest

from contracts import accounts_pb2 as pb
from contracts.accounts_pb2_grpc import AccountsStub, add_AccountsServicer_to_server
from tasks.accounts import keyring
from tasks.accounts.keys import hash_of
from tasks.database import Sessions
from tests.conftest import MakeDatabase
from tests.workers.rpc.serving import serving
from workers.rpc.accounts import AccountsServicer


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("accounts")


@pytest.fixture
def accounts(sessions: Sessions) -> Iterator[AccountsStub]:
    with serving(add_AccountsServicer_to_server, AccountsServicer(sessions)) as channel:
        yield AccountsStub(channel)


def test_the_hash_of_a_key_is_answered_with_its_principal(sessions: Sessions, accounts: AccountsStub) -> None:
    with sessions.begin() as session:
        workspace = keyring.workspace_id_of(session, "default")
        key = keyring.create_key(session, workspace, "robot", ["links:read", "audit:read"])
    principal = accounts.Authenticate(pb.AuthenticateRequest(key_hash=hash_of(key)))
    assert principal.workspace_id == str(workspace)
    assert (principal.name, list(principal.scopes)) == ("robot", ["links:read", "audit:read"])


def test_an_unknown_key_is_unauthenticated(accounts: AccountsStub) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        accounts.Authenticate(pb.AuthenticateRequest(key_hash=hash_of("pra_unknown")))
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
