"""The front API between a real intake database and neighbours that are real servers."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from config.settings import Intake, Web
from tasks import outbox as letters
from tasks.database import Sessions
from tasks.intake.models import OUTBOX, Outbox, Part, Submission
from tests.conftest import MakeDatabase
from tests.web.contract import CheckedClient
from tests.web.neighbours import TOKEN, Neighbours
from web import rpc
from web.app import create_app

MakeClient = Callable[..., FlaskClient]
WORKSPACE = uuid.UUID("018f0000-0000-7000-8000-000000000001")


def settings_for(address: str, **changes: Any) -> Web:
    """The front API's settings where every service is at one address."""
    values: dict[str, Any] = {
        "intake_database_url": "",
        "rpc_token": TOKEN,
        "secret_key": "secret",
        "rpc_timeout_s": 2.0,
        **{f"{name}_rpc": address for name in ("links", "notifications", "audit", "accounts", "monitor")},
    }
    return Web(**(values | changes))


@pytest.fixture
def neighbours() -> Iterator[Neighbours]:
    """The services behind RPC."""
    found = Neighbours()
    yield found
    found.stop()


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    """The intake database."""
    return database("intake")


@pytest.fixture
def intake_settings() -> Intake:
    """How much is accepted, and how it is cut."""
    return Intake(part_size=2)


@pytest.fixture
def app(sessions: Sessions, neighbours: Neighbours, intake_settings: Intake) -> Flask:
    """The front API."""
    settings = settings_for(neighbours.address)
    return create_app(settings, sessions, rpc.connect(settings), intake_settings)


@pytest.fixture
def make_client(app: Flask, neighbours: Neighbours) -> MakeClient:
    """Call with scopes: a client with a key of these, whose answers are held against /openapi.json."""
    document = app.test_client().get("/openapi.json").json
    app.test_client_class = CheckedClient

    def make(*scopes: str, workspace_id: uuid.UUID = WORKSPACE, key: str = "") -> FlaskClient:
        client = app.test_client()
        client.document = document  # type: ignore[attr-defined]  # CheckedClient's
        shown = key or neighbours.give_key(*scopes, workspace_id=workspace_id)
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {shown}"
        return client

    return make


@pytest.fixture
def client(make_client: MakeClient) -> FlaskClient:
    """A client that may do everything."""
    return make_client("admin")


@pytest.fixture
def stranger(make_client: MakeClient) -> FlaskClient:
    """A client that may do everything in another workspace."""
    return make_client("admin", workspace_id=uuid.uuid4())


@pytest.fixture
def outbox(sessions: Sessions) -> Callable[[], list[Outbox]]:
    """Call for what will be told to the services, as the relay will tell it."""

    def read() -> list[Outbox]:
        with sessions() as session:
            return [Outbox(**asdict(letter)) for letter in letters.claim(session, OUTBOX, 1_000_000)]

    return read


@pytest.fixture
def accepted(sessions: Sessions) -> Callable[[], tuple[int, int]]:
    """Call for how many submissions and parts there are."""

    def count() -> tuple[int, int]:
        with sessions() as session:
            submissions = session.scalar(select(func.count()).select_from(Submission))
            parts = session.scalar(select(func.count()).select_from(Part))
            return submissions or 0, parts or 0

    return count
