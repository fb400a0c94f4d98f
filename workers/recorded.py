"""What an operator does to dead letters goes on audit's record before it is done, or is not done."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from config import broker, telemetry
from tasks import clock, outbox, publishing, wire
from tasks.audit.messages import AuditEvent, RecordEvents
from workers.dead_letters import DeadLetter, Record
from workers.undertaker import TIMEOUT_S

ACTIONS = {"replay": "dead_letters.replayed", "discard": "dead_letters.discarded"}


@dataclass(frozen=True)
class Operator:
    """Who asks for it, and from where."""

    actor: str
    workspace_id: uuid.UUID | None = None
    ip: str = ""
    user_agent: str = ""


def recorder(broker_url: str, operator: Operator, action: str) -> Record:
    """Call with the letters of one queue: returns once the broker has confirmed the message to audit.

    Raises `publishing.PublishError` where it has not.
    """

    def record(letters: Sequence[DeadLetter]) -> None:
        message = RecordEvents((event_of(letters, operator, action),))
        publisher = publishing.connect(broker_url)
        try:
            _send(publisher, _letter(message))
        finally:
            publisher.close()

    return record


def event_of(letters: Sequence[DeadLetter], operator: Operator, action: str) -> AuditEvent:
    """One event for all of them, which names each."""
    return AuditEvent(
        event_id=wire.new_id(),
        workspace_id=operator.workspace_id,
        occurred_at=clock.now(),
        service="monitor",
        actor=operator.actor,
        action=ACTIONS[action],
        resource_kind="dead_letters",
        resource_id=letters[0].queue,
        resource_name=f"{len(letters)} of {letters[0].queue}",
        ip=operator.ip,
        user_agent=operator.user_agent,
        request_id=telemetry.carrier().get("request_id", ""),
        trace_id=telemetry.trace_id(),
        details={
            "messages": dict(Counter(letter.message for letter in letters)),
            "reasons": dict(Counter(letter.reason for letter in letters)),
            "letters": [{"id": str(letter.id), "message_id": letter.message_id} for letter in letters],
        },
    )


def _send(publisher: publishing.Publisher, letter: outbox.Letter) -> None:
    batch, deadline = publisher.send([letter]), monotonic() + TIMEOUT_S
    while not batch.is_decided:
        if monotonic() > deadline:
            raise publishing.PublishError(f"the broker did not confirm within {TIMEOUT_S:.0f} s")
        publisher.work(0.5)
    if not batch.taken:
        raise publishing.PublishError(f"audit's queue did not take it: {batch.refused}")


def _letter(message: RecordEvents) -> outbox.Letter:
    carrier = telemetry.carrier()
    return outbox.Letter(
        id=wire.new_id(),
        name=message.name(),
        exchange=broker.JOBS.name,
        routing_key="audit",
        body=wire.encode(message),
        traceparent=carrier.get("traceparent", ""),
        request_id=carrier.get("request_id", ""),
    )
