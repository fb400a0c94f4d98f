"""Workers, queues and dead letters, as they are now."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from flask import Response

from contracts import monitor_pb2 as pb
from web import answers, paging, proto
from web.access import caller
from web.blueprint import Blueprint
from web.front import front
from web.schemas.monitor import (
    DeadLetterActedSchema,
    DeadLetterActionSchema,
    DeadLetterFilterSchema,
    DeadLetterPageSchema,
    DeadLetterStorySchema,
    QueuePageSchema,
    WorkerPageSchema,
)

blueprint = Blueprint("monitor", __name__, url_prefix="/api/v1/monitor", description="Workers and queues")


@blueprint.route("/workers", scope="monitor:read")
@blueprint.gives(200, WorkerPageSchema)
def list_workers() -> Response:
    """List the workers that answer, and what they are doing"""
    found = front().services.monitor.call("ListWorkers", pb.ListWorkersRequest())
    return _whole([_worker(item) for item in found.items])


@blueprint.route("/queues", scope="monitor:read")
@blueprint.gives(200, QueuePageSchema)
def list_queues() -> Response:
    """List the queues, with what waits in them and in their dead letters"""
    found = front().services.monitor.call("ListQueues", pb.ListQueuesRequest())
    return _whole([proto.to_json(item) for item in found.items])


@blueprint.route("/dead-letters", scope="monitor:read")
@blueprint.takes(DeadLetterFilterSchema, location="query")
@blueprint.gives(200, DeadLetterPageSchema)
def list_dead_letters(arguments: dict[str, Any]) -> Response:
    """List the messages that no worker could do, with the reason, each queue's oldest first

    Of each queue the oldest 10,000 are in sight.
    """
    begun = paging.start(arguments)
    request = pb.ListDeadLettersRequest(**begun.filters, limit=begun.limit, after=begun.after)
    return paging.answer(front().services.monitor.call("ListDeadLetters", request), begun)


@blueprint.route("/dead-letters/<uuid:id>", scope="monitor:read")
@blueprint.gives(200, DeadLetterStorySchema)
def get_dead_letter(id: uuid.UUID) -> Response:
    """Get a dead letter with its body and what went wrong"""
    story = proto.to_json(front().services.monitor.call("GetDeadLetter", pb.GetDeadLetterRequest(id=str(id))))
    return answers.json(story.pop("letter") | story)


@blueprint.route("/dead-letters/actions", methods=["POST"], scope="monitor:write")
@blueprint.takes(DeadLetterActionSchema)
@blueprint.gives(200, DeadLetterActedSchema)
def act_on_dead_letters(wanted: dict[str, Any]) -> Response:
    """Send dead letters again, or forget them

    Either those named in `ids`, or the oldest 500 of a `queue`: ask again while there are more. It goes on the audit
    record before it is done. A letter that is gone by now is passed over; one that dies again is back with its new
    reason.
    """
    asker = caller()
    request = pb.ActOnDeadLettersRequest(
        action=wanted["action"],
        ids=[str(each) for each in wanted.get("ids", ())],
        queue=wanted.get("queue", ""),
        workspace_id=str(asker.workspace_id),
        actor=asker.actor,
        ip=asker.ip,
        user_agent=asker.user_agent,
    )
    done = proto.to_json(front().services.monitor.call("ActOnDeadLetters", request))
    return answers.json({"action": wanted["action"], **done})


def _whole(items: list[dict[str, Any]]) -> Response:
    return answers.json({"items": items, "next_cursor": None})


def _worker(message: pb.Worker) -> dict[str, Any]:
    worker = proto.to_json(message)
    # Celery tells seconds since the epoch, where everything else here is a timestamp.
    for task in worker["active"]:
        task["started_at"] = datetime.fromtimestamp(task["started_at"], UTC) if task["started_at"] else None
    return worker
