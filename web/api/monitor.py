"""Workers and queues, as they are now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response

from contracts import monitor_pb2 as pb
from web import answers, proto
from web.blueprint import Blueprint
from web.front import front
from web.schemas.monitor import QueuePageSchema, WorkerPageSchema

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


def _whole(items: list[dict[str, Any]]) -> Response:
    return answers.json({"items": items, "next_cursor": None})


def _worker(message: pb.Worker) -> dict[str, Any]:
    worker = proto.to_json(message)
    # Celery tells seconds since the epoch, where everything else here is a timestamp.
    for task in worker["active"]:
        task["started_at"] = datetime.fromtimestamp(task["started_at"], UTC) if task["started_at"] else None
    return worker
