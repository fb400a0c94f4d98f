"""Checks for a job alone: its results are on record, and no link is added, moved or told about."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from config import telemetry
from tasks.links import record
from tasks.links.messages import CheckLinks, LinkSpec, link_id
from tasks.links.record import Row
from tasks.links.result import Result


def check_rows(message: CheckLinks, results: Sequence[Result]) -> list[Row]:
    """The history rows of a part whose links do not stay."""
    worker = telemetry.process()
    return [
        {**record.check_row(message, _link(message, spec), result, worker), "url": spec.url}
        for spec, result in zip(message.links, results, strict=True)
    ]


def _link(message: CheckLinks, spec: LinkSpec) -> Row:
    # An id of the job's own: what is found here must not stand in the history of a link that happens to be kept.
    return {"id": link_id(message.job_id or uuid.UUID(int=0), spec.url), "url": spec.url}
