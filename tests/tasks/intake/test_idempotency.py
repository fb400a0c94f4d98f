import uuid

import pytest
from sqlalchemy.exc import IntegrityError

from tasks.intake import idempotency
from tasks.intake.submissions import Caller
from tests.conftest import MakeDatabase

CALLER = Caller(uuid.uuid4(), "key:admin")
SCOPE = idempotency.scope_of(CALLER, "POST /api/v1/links", "abc")


def test_a_key_recalls_the_first_answer_and_refuses_another_payload(database: MakeDatabase) -> None:
    sessions = database("intake")
    answer = idempotency.Answer('{"job_id": 1}', "/api/v1/jobs/1")
    with sessions.begin() as session:
        assert not idempotency.hold(session, SCOPE)
        idempotency.remember(session, SCOPE, "print", answer)
    with sessions.begin() as session:
        assert idempotency.hold(session, SCOPE)
        assert idempotency.recall(session, SCOPE, "print") == answer
        with pytest.raises(idempotency.KeyReused):
            idempotency.recall(session, SCOPE, "other")


def test_a_key_in_flight_is_refused_until_its_transaction_ends(database: MakeDatabase) -> None:
    sessions = database("intake")
    with sessions.begin() as first:
        idempotency.hold(first, SCOPE)
        with sessions.begin() as second, pytest.raises(idempotency.KeyInFlight):
            idempotency.hold(second, SCOPE)
    with sessions.begin() as third:
        idempotency.hold(third, SCOPE)


def test_a_key_that_was_used_between_two_looks_is_known_to_be_taken(database: MakeDatabase) -> None:
    sessions = database("intake")
    answer = idempotency.Answer("{}", "/api/v1/jobs/1")
    with sessions.begin() as session:
        idempotency.remember(session, SCOPE, "print", answer)
    with pytest.raises(IntegrityError) as refusal, sessions.begin() as session:
        idempotency.remember(session, SCOPE, "print", answer)
    assert idempotency.is_taken(refusal.value)


def test_the_same_key_of_another_caller_or_route_is_another_key() -> None:
    other = Caller(uuid.uuid4(), "key:admin")
    assert idempotency.scope_of(other, "POST /api/v1/links", "abc") != SCOPE
    assert idempotency.scope_of(CALLER, "POST /api/v1/batches", "abc") != SCOPE
