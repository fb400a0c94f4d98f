"""What links can be asked, and what it announces."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime

import uuid_utils

from tasks.wire import Event, Message


def link_id(workspace_id: uuid.UUID, url: str) -> uuid.UUID:
    """A link's id: a function of the workspace and the normalised URL, so that adding twice is adding once."""
    return uuid.UUID(int=uuid_utils.uuid5(uuid_utils.UUID(int=workspace_id.int), url).int)


@dataclass(frozen=True)
class LinkSpec:
    """One link to be checked: its normalised URL, and what the submitter wants to set on it."""

    url: str
    interval_s: int | None = None
    tags: tuple[str, ...] | None = None
    external_id: str | None = None
    # A confirmation asks for the whole page, because HEAD lies more often than GET.
    full: bool = False


@dataclass(frozen=True)
class CheckLinks(Message):
    """Check these links now. A part of a job holds `job_id`; a part of the schedule does not.

    `part_id` is the natural key: a part that is delivered twice takes effect once. `scheduled_at` orders the results
    of a link, whatever the order in which they arrive.
    """

    part_id: uuid.UUID
    workspace_id: uuid.UUID
    scheduled_at: datetime
    links: tuple[LinkSpec, ...]
    job_id: uuid.UUID | None = None
    # Of the whole job, so that the part which completes it knows.
    job_total: int = 0


@dataclass(frozen=True)
class LeaseDueLinks(Message):
    """Time has passed: send the links that are due to be checked."""


@dataclass(frozen=True)
class PartChecked(Event):
    """Every link of a part has its result on record."""

    event_id: uuid.UUID
    part_id: uuid.UUID
    job_id: uuid.UUID


@dataclass(frozen=True)
class JobFinished(Event):
    """Every link of a job has its result on record. `verdicts` counts them."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    job_id: uuid.UUID
    total: int
    verdicts: dict[str, int]
    finished_at: datetime


@dataclass(frozen=True)
class LinkChange:
    """One link went from one state to another."""

    event_id: uuid.UUID
    link_id: uuid.UUID
    url: str
    before: str
    after: str
    verdict: str
    reason: str
    # The trace in which the link was last submitted, which joins what happens to it later.
    trace_id: str = ""


@dataclass(frozen=True)
class LinksChanged(Event):
    """Links of one part went from one state to another. Told for the record; people are told by the two below."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    occurred_at: datetime
    changes: tuple[LinkChange, ...]
    job_id: uuid.UUID | None = None


@dataclass(frozen=True)
class LinkBroke(Event):
    """A link is broken beyond doubt. `started_at` is its first failure, `broke_at` the one that removed the doubt."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    link_id: uuid.UUID
    incident_id: uuid.UUID
    url: str
    reason: str
    started_at: datetime
    broke_at: datetime
    status_code: int | None = None
    detail: str = ""
    tags: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class LinkRecovered(Event):
    """A broken link works again. `duration_s` is the incident's whole length."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    link_id: uuid.UUID
    incident_id: uuid.UUID
    url: str
    reason: str
    started_at: datetime
    recovered_at: datetime
    duration_s: float
    tags: tuple[str, ...] = field(default=())
