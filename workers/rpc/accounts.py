"""Answers about who shows a key."""

from __future__ import annotations

from collections.abc import Mapping

import grpc

from contracts import accounts_pb2 as pb
from contracts import accounts_pb2_grpc
from tasks import database
from tasks.accounts import keyring, queries
from tasks.accounts.service import build
from workers.rpc.messages import to_proto
from workers.rpc.translate import Refused, answering


def register(server: grpc.Server, environ: Mapping[str, str]) -> str:
    """Host this service; returns its full name."""
    accounts_pb2_grpc.add_AccountsServicer_to_server(AccountsServicer(build(environ).sessions), server)
    return pb.DESCRIPTOR.services_by_name["Accounts"].full_name


class AccountsServicer(accounts_pb2_grpc.AccountsServicer):
    """Each call is one short transaction."""

    def __init__(self, sessions: database.Sessions) -> None:
        self._sessions = sessions

    def Authenticate(  # noqa: N802
        self, request: pb.AuthenticateRequest, context: grpc.ServicerContext
    ) -> pb.Principal:
        """Who shows the key with this hash."""
        with answering("Authenticate", context), self._sessions.begin() as session:
            principal = queries.authenticate(session, request.key_hash)
            if principal is None:
                raise Refused(grpc.StatusCode.UNAUTHENTICATED, "the key is unknown, expired or revoked")
            keyring.note_use(session, principal.key_id)
            return to_proto(principal, pb.Principal)
