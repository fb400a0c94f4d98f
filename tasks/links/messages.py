"""What links can be asked, and what it announces."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import uuid_utils

from tasks.wire import Event, Message


def link_id(workspace_id: uuid.UUID, url: str) -> uuid.UUID:
    """A link's id: a function of the workspace and the normalised URL, so that adding twice is adding once."""
    return uuid.UUID(bytes=link_ids(workspace_id)(url))


def link_ids(workspace_id: uuid.UUID) -> Callable[[str], bytes]:
    """What makes the ids of many links of one workspace, as their 16 bytes."""
    namespace, uuid5 = uuid_utils.UUID(int=workspace_id.int), uuid_utils.uuid5
    return lambda url: uuid5(namespace, url).bytes


@dataclass(frozen=True)
class LinkSettings:
    """What a submitter sets on how one link is checked; what is None is not set.

    `options` are those of `options.CheckOptions`, all of them where they are given at all; of its secrets they only
    hold the names, and `secrets` their values, sealed by links.
    """

    options: dict[str, Any] | None = field(default=None, hash=False)
    secrets: str = ""
    confirm_hard: int | None = None
    confirm_transient: int | None = None
    min_confirm_s: float | None = None

    @property
    def confirmation(self) -> dict[str, Any]:
        """How sure to be, as far as it is set."""
        asked = ("confirm_hard", "confirm_transient", "min_confirm_s")
        return {name: value for name in asked if (value := getattr(self, name)) is not None}


@dataclass(frozen=True)
class LinkSpec:
    """One link to be checked: its normalised URL, and what the submitter wants to set on it."""

    url: str
    interval_s: int | None = None
    tags: tuple[str, ...] | None = None
    external_id: str | None = None
    # A confirmation asks for the whole page, because HEAD lies more often than GET.
    full: bool = False
    # The reason by which the host refused it, where it has waited for the host since.
    refused_as: str | None = None
    settings: LinkSettings | None = None


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
    # How often these links were put back because their host wanted to be left alone.
    deferrals: int = 0
    # Whether the links stay. Of others only the job's results are recorded: none is added, moved or told about.
    keep: bool = True
    # Of the schedule: only those links are checked that nobody has checked, paused or removed since.
    leased: bool = False
    # Whether links that are not known are added.
    registers: bool = True


@dataclass(frozen=True)
class GatherLinks(Message):
    """Fetch a source and have the links that it names checked, as parts of the same job.

    `kind` is `sitemap` or `page`. A source of more than `most` links is refused. With `dry_run` they are only counted.
    """

    part_id: uuid.UUID
    workspace_id: uuid.UUID
    job_id: uuid.UUID
    kind: str
    url: str
    most: int
    keep: bool = True
    dry_run: bool = False


@dataclass(frozen=True)
class CancelParts(Message):
    """Do not begin these parts of a job, and record nothing of those that are under way."""

    job_id: uuid.UUID
    part_ids: tuple[uuid.UUID, ...]


@dataclass(frozen=True)
class AskArchive(Message):
    """Time has passed: ask an archive for a copy of a link that will not come back."""


@dataclass(frozen=True)
class RollUpChecks(Message):
    """Time has passed: count the checks of what is over."""


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
class LinksBorn:
    """Links that were checked for the first time and found alive, with nothing between them but the link."""

    event_id: uuid.UUID
    after: str
    verdict: str
    reason: str
    trace_id: str
    link_ids: tuple[uuid.UUID, ...]


@dataclass(frozen=True)
class LinksChanged(Event):
    """Links of one part went from one state to another. Told for the record; people are told by the two below.

    What many links have in common is told once, by `born`: an import of 100,000 is not 100,000 changes.
    """

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    occurred_at: datetime
    changes: tuple[LinkChange, ...]
    job_id: uuid.UUID | None = None
    born: tuple[LinksBorn, ...] = ()


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
    # People hear of it with the other links of its host; see `HostBroke`.
    group_id: uuid.UUID | None = None
    # A copy of it, if one is known by now.
    archived_url: str | None = None


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
    # People hear of it with the other links of its host; see `HostRecovered`.
    group_id: uuid.UUID | None = None


@dataclass(frozen=True)
class HostBroke(Event):
    """Many links of one host broke together. Told once, and again where there are many times more than were told."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    group_id: uuid.UUID
    host: str
    # The most frequent cause, and how often each occurs.
    reason: str
    reasons: dict[str, int]
    links: int
    started_at: datetime
    at: datetime
    # Some of them.
    urls: tuple[str, ...]
    # Of how many links people have heard before.
    told_before: int = 0


@dataclass(frozen=True)
class HostRecovered(Event):
    """All links of a group work again. `duration_s` is from the first failure of any to the last recovery."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    group_id: uuid.UUID
    host: str
    reason: str
    links: int
    started_at: datetime
    recovered_at: datetime
    duration_s: float


@dataclass(frozen=True)
class LinkFlapping(Event):
    """A link breaks and recovers so often that nobody is told of each any more, until it is calm again."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    link_id: uuid.UUID
    url: str
    reason: str
    # How often it went from alive to dead or back within the latest checks.
    changes: int
    at: datetime
    tags: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class LinkUnverifiable(Event):
    """For a long time no check could tell whether a link works. Told once, and not urgent."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    link_id: uuid.UUID
    url: str
    reason: str
    since: datetime
    at: datetime
    tags: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class ChecksFrozen(Event):
    """So many links of a workspace failed at once that the fault is likely on our side; nothing moves meanwhile."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    at: datetime
    failed: int
    checked: int
    hosts: int


@dataclass(frozen=True)
class Edit:
    """What was changed on one link: by name, what it was and what it is."""

    event_id: uuid.UUID
    link_id: uuid.UUID
    url: str
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class LinksEdited(Event):
    """Somebody changed settings of links."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    occurred_at: datetime
    edits: tuple[Edit, ...]
    actor: str
    ip: str = ""
    user_agent: str = ""


@dataclass(frozen=True)
class LinksRemoved(Event):
    """Somebody removed links, and their history with them."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    occurred_at: datetime
    edits: tuple[Edit, ...]
    actor: str
    ip: str = ""
    user_agent: str = ""


@dataclass(frozen=True)
class IncidentAcknowledged(Event):
    """Somebody has seen an incident and is on it."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    incident_id: uuid.UUID
    link_id: uuid.UUID
    url: str
    occurred_at: datetime
    actor: str
    ip: str = ""
    user_agent: str = ""


@dataclass(frozen=True)
class IncidentGroupAcknowledged(Event):
    """Somebody has seen a group of incidents and is on it. `incidents` were open and not acknowledged before."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    group_id: uuid.UUID
    host: str
    incidents: int
    occurred_at: datetime
    actor: str
    ip: str = ""
    user_agent: str = ""


@dataclass(frozen=True)
class WindowChanged(Event):
    """A maintenance window was created, edited or deleted."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    window_id: uuid.UUID
    window_name: str
    change: str
    occurred_at: datetime
    actor: str
    ip: str = ""
    user_agent: str = ""


@dataclass(frozen=True)
class BadgeChanged(Event):
    """Links of a tag were made public as a badge, or are no more."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    badge_id: uuid.UUID
    tag: str
    change: str
    occurred_at: datetime
    actor: str
    ip: str = ""
    user_agent: str = ""


@dataclass(frozen=True)
class PolicyChanged(Event):
    """How the links of one host are checked was changed, or of a whole workspace where there is no host.

    `changes` are by name what was and what is, with the names of secrets and without their values.
    """

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    policy_id: uuid.UUID
    host: str
    change: str
    occurred_at: datetime
    changes: dict[str, tuple[Any, Any]]
    actor: str
    ip: str = ""
    user_agent: str = ""
