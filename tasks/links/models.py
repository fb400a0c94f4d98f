"""The links database: every link's standing, every check, incidents, and the jobs that asked for them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    REAL,
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tasks.copies import KEPT, SentMixin
from tasks.links import constraints
from tasks.outbox import OutboxMixin, addressed


class Base(DeclarativeBase):
    """Everything in the links database. Text is `text`, times are `timestamptz`."""

    type_annotation_map = {str: Text, datetime: DateTime(timezone=True)}  # noqa: RUF012  # SQLAlchemy's own hook


class Outbox(OutboxMixin, Base):
    """What links has decided to say."""

    __table_args__ = (addressed(),)


class Sent(SentMixin, Base):
    """What links has said lately."""


# A query has to say it in these words to be given the index.
IN_TROUBLE = "state IN ('failing', 'broken', 'recovering')"


class Link(Base):
    """A URL of a workspace, whose id is made of both, with its standing (see `state.Standing`) and its schedule."""

    __tablename__ = "links"
    __table_args__ = (
        *constraints.of("links"),
        # By workspace first, so that the tick can give each of them its share.
        Index("links_due", "workspace_id", "next_check_at", postgresql_where=text("NOT paused")),
        Index("links_by_age", "workspace_id", "created_at", "id"),
        Index("links_by_host", "workspace_id", "host"),
        Index("links_in_trouble", "workspace_id", "host", postgresql_where=text(IN_TROUBLE)),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[uuid.UUID]
    url: Mapped[str]
    host: Mapped[str]
    created_at: Mapped[datetime]
    interval_s: Mapped[int]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    external_id: Mapped[str | None]
    # The trace of the latest submission: what happens to the link later is told in it.
    traceparent: Mapped[str]
    # Of what people set, not of what checks find: an edit names the version that it was made from.
    version: Mapped[int] = mapped_column(server_default=text("1"))
    paused: Mapped[bool] = mapped_column(server_default=text("false"))
    ignored: Mapped[bool] = mapped_column(server_default=text("false"))
    muted_until: Mapped[datetime | None]
    # Whether anybody may see how it is, by its id.
    badge: Mapped[bool] = mapped_column(server_default=text("false"))
    # Instead of the settings' own, where they are set.
    confirm_hard: Mapped[int | None]
    confirm_transient: Mapped[int | None]
    min_confirm_s: Mapped[float | None]

    state: Mapped[str]
    failures: Mapped[int]
    hard_failures: Mapped[int]
    failing_since: Mapped[datetime | None]
    ok_streak: Mapped[int]
    ok_since: Mapped[datetime | None]
    inconclusive_streak: Mapped[int]
    inconclusive_since: Mapped[datetime | None]

    verdict: Mapped[str | None]
    reason: Mapped[str | None]
    permanence: Mapped[str | None]
    since: Mapped[datetime]
    status_code: Mapped[int | None]
    final_url: Mapped[str | None]
    suggested_url: Mapped[str | None]
    latency_ms: Mapped[float | None]
    # The copy nearest to its latest hard failure, see `snapshots`.
    archived_url: Mapped[str | None]
    incident_id: Mapped[uuid.UUID | None]
    # The latest counted checks, a letter each, and what people believe (see `overlays`).
    recent: Mapped[str]
    flapping: Mapped[bool] = mapped_column(server_default=text("false"))
    told: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))

    last_checked_at: Mapped[datetime | None]
    # Results move the standing in scheduled order only.
    last_scheduled_at: Mapped[datetime | None]
    # The schedule. A leased link has `next_check_at` at the end of its lease, so a lost part is due again by itself.
    next_check_at: Mapped[datetime]
    confirming: Mapped[bool]


class Check(Base):
    """One result, for ever as it was; `checks` says what is left out. Cut into weeks by its ids, see `partitions`."""

    __tablename__ = "checks"
    __table_args__ = (
        *constraints.of("checks"),
        Index("checks_by_link", "link_id", "id"),
        Index("checks_by_job", "job_id", "id", postgresql_where=text("job_id IS NOT NULL")),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[uuid.UUID]
    link_id: Mapped[uuid.UUID]
    job_id: Mapped[uuid.UUID | None]
    # None: the link's own.
    url: Mapped[str | None]
    verdict: Mapped[str]
    reason: Mapped[str]
    permanence: Mapped[str | None]
    status_code: Mapped[int | None]
    # None: the URL that was checked; empty: there is none.
    final_url: Mapped[str | None]
    suggested_url: Mapped[str | None]
    # None: a single request for the URL, answered from `ip`.
    hops: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    ip: Mapped[str | None]
    dns_ms: Mapped[float | None] = mapped_column(REAL)
    connect_ms: Mapped[float | None] = mapped_column(REAL)
    tls_ms: Mapped[float | None] = mapped_column(REAL)
    ttfb_ms: Mapped[float | None] = mapped_column(REAL)
    total_ms: Mapped[float | None] = mapped_column(REAL)
    # Of rows from before the columns above.
    timings_ms: Mapped[dict[str, float] | None] = mapped_column(JSONB(none_as_null=True))
    # None: HEAD alone.
    methods: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    attempts: Mapped[int]
    bytes_read: Mapped[int] = mapped_column(BigInteger)
    tls_not_after: Mapped[datetime | None]
    # None: nothing to add.
    detail: Mapped[str | None]
    worker: Mapped[str]
    scheduled_at: Mapped[datetime]
    started_at: Mapped[datetime]
    checked_at: Mapped[datetime]


class Tally:
    """Checks counted by verdict, and the latencies of those that were answered (see `sketch`)."""

    ok: Mapped[int]
    degraded: Mapped[int]
    broken: Mapped[int]
    inconclusive: Mapped[int]
    skipped: Mapped[int]
    buckets: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    counts: Mapped[list[int]] = mapped_column(ARRAY(Integer))


class LinkHour(Tally, Base):
    """What was found of a link in an hour with checks; see `rollup`. Cut into weeks, see `partitions`."""

    __tablename__ = "link_hours"
    __table_args__ = (
        *constraints.of("link_hours"),
        Index("link_hours_by_time", "at"),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    link_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)


class LinkDay(Tally, Base):
    """The same of a day."""

    __tablename__ = "link_days"
    __table_args__ = (
        *constraints.of("link_days"),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    link_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)


class WorkspaceHour(Tally, Base):
    """An hour of a workspace's links that had a tag then; the empty tag is all of them."""

    __tablename__ = "workspace_hours"
    __table_args__ = (
        *constraints.of("workspace_hours"),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    workspace_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    links: Mapped[int]
    # Of all links together.
    watched_s: Mapped[float]
    down_s: Mapped[float]


class RolledUp(Base):
    """How far that has come which is done from time to time, by its name."""

    __tablename__ = "rolled_up"

    name: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime]


class Snapshot(Base):
    """What an archive was asked about a link that failed `since` then."""

    __tablename__ = "snapshots"
    __table_args__ = tuple(constraints.of("snapshots"))

    link_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("links.id", ondelete="CASCADE"), primary_key=True)
    since: Mapped[datetime]
    tries: Mapped[int]
    due_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]


class Pause(Base):
    """A time in which people had paused a link. It is neither up nor down."""

    __tablename__ = "pauses"
    __table_args__ = (
        *constraints.of("pauses"),
        Index("pauses_by_link", "link_id", "started_at"),
        Index("one_open_pause", "link_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    link_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("links.id", ondelete="CASCADE"))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Maintained(Base):
    """A time in which a window was open, whatever became of the window since."""

    __tablename__ = "maintained"
    __table_args__ = (*constraints.of("maintained"), Index("maintained_by_workspace", "workspace_id", "ended_at"))

    window_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(primary_key=True)
    ended_at: Mapped[datetime]
    workspace_id: Mapped[uuid.UUID]
    host: Mapped[str | None]
    tag: Mapped[str | None]


class Incident(Base):
    """From a link's first failure to its first good check after it; one may be open per link."""

    __tablename__ = "incidents"
    __table_args__ = (
        Index("one_open_incident", "link_id", unique=True, postgresql_where=text("resolved_at IS NULL")),
        Index("incidents_by_age", "workspace_id", "id"),
        Index("incidents_by_link", "link_id", "started_at"),
        Index("incidents_by_group", "group_id", "id", postgresql_where=text("group_id IS NOT NULL")),
        *constraints.of("incidents"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[uuid.UUID]
    link_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("links.id", ondelete="CASCADE"))
    # The cause, as the check saw it that removed the doubt.
    reason: Mapped[str]
    status_code: Mapped[int | None]
    detail: Mapped[str]
    started_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    resolved_at: Mapped[datetime | None]
    group_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("incident_groups.id", ondelete="SET NULL"))


class IncidentGroup(Base):
    """Incidents of one host that are one fault, of which people are told as one."""

    __tablename__ = "incident_groups"
    __table_args__ = (
        *constraints.of("incident_groups"),
        Index("groups_by_age", "workspace_id", "id"),
        Index("open_groups", "workspace_id", "host", postgresql_where=text("resolved_at IS NULL")),
        Index("groups_to_settle", "look_at", postgresql_where=text("look_at IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[uuid.UUID]
    host: Mapped[str]
    # The most frequent cause, when it was last counted.
    reason: Mapped[str]
    started_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    # When the latest of its links broke.
    joined_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    resolved_at: Mapped[datetime | None]
    # Of how many links people were told; 0 is that they were not.
    told: Mapped[int] = mapped_column(server_default=text("0"))
    # When the tick is to look whether there is something to tell.
    look_at: Mapped[datetime | None]
    formed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class HeldBreak(Base):
    """That a link broke, not said yet, because more of its host may follow and be told with it."""

    __tablename__ = "held_breaks"
    __table_args__ = tuple(constraints.of("held_breaks"))

    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id", ondelete="CASCADE"), primary_key=True)
    workspace_id: Mapped[uuid.UUID]
    host: Mapped[str]
    body: Mapped[str]
    traceparent: Mapped[str]
    held_at: Mapped[datetime] = mapped_column(server_default=func.now())


class IncidentMoment(Base):
    """One line of an incident's timeline. It outlives the checks that it was made of."""

    __tablename__ = "incident_moments"
    __table_args__ = (
        Index("moments_by_incident", "incident_id", "at", "id"),
        *constraints.of("incident_moments"),
        Index(
            "one_of_each_moment",
            "incident_id",
            "kind",
            unique=True,
            postgresql_where=text(constraints.ONCE),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    kind: Mapped[str]
    reason: Mapped[str | None]
    status_code: Mapped[int | None]
    detail: Mapped[str]
    actor: Mapped[str | None]


class Window(Base):
    """A time of maintenance, once or again and again, of a workspace, one of its hosts or one of its tags."""

    __tablename__ = "windows"
    __table_args__ = (
        Index("windows_by_workspace", "workspace_id", "id"),
        *constraints.of("windows"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[uuid.UUID]
    name: Mapped[str]
    # Neither: the whole workspace. Both: the links of that host which have that tag.
    host: Mapped[str | None]
    tag: Mapped[str | None]
    starts_at: Mapped[datetime]
    duration_s: Mapped[int]
    # RFC 5545, reckoned in the time zone; empty: once.
    rrule: Mapped[str]
    timezone: Mapped[str]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class LinkOptions(Base):
    """How one link is checked, where that is not as for all others. Few links have a row, so that a part of those
    that have none costs nothing. `secrets` are sealed; `options` hold no more than their names."""

    __tablename__ = "link_options"
    __table_args__ = (*constraints.of("link_options"), Index("link_options_by_workspace", "workspace_id"))

    link_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("links.id", ondelete="CASCADE"), primary_key=True)
    workspace_id: Mapped[uuid.UUID]
    options: Mapped[dict[str, Any]] = mapped_column(JSONB)
    secrets: Mapped[str]


class Policy(Base):
    """How the links of one host are checked, or, without a host, those of a whole workspace."""

    __tablename__ = "policies"
    __table_args__ = (*constraints.of("policies"), Index("policies_by_host", "workspace_id", "host", unique=True))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[uuid.UUID]
    # Empty: the workspace's own.
    host: Mapped[str]
    # What is set beside the options: limits of a host, confirmation of a workspace.
    rules: Mapped[dict[str, Any]] = mapped_column(JSONB)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB)
    secrets: Mapped[str]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class Freeze(Base):
    """A time in which a workspace's failures are not believed, because too many came at once."""

    __tablename__ = "freezes"
    __table_args__ = tuple(constraints.of("freezes"))

    workspace_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class Job(Base):
    """A submission's progress, as far as links has seen it."""

    __tablename__ = "jobs"
    __table_args__ = tuple(constraints.of("jobs"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[uuid.UUID]
    total: Mapped[int]
    done: Mapped[int]
    verdicts: Mapped[dict[str, int]] = mapped_column(JSONB)
    # Of a job whose links are those of a page or sitemap: what it was, and what came of reading it.
    source: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]


class Lease(Base):
    """A part of the schedule that is on its way: so many links wait to be checked."""

    __tablename__ = "leases"
    __table_args__ = tuple(constraints.of("leases"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    links: Mapped[int]
    ends_at: Mapped[datetime]


class Badge(Base):
    """What anybody who has this id may see of a workspace's links with a tag."""

    __tablename__ = "badges"
    __table_args__ = (Index("badges_by_workspace", "workspace_id", "created_at"),)

    # Not of the ids that are sorted by time: it must not be guessed.
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[uuid.UUID]
    tag: Mapped[str]
    created_at: Mapped[datetime]


class Removed(Base):
    """A link that was removed, whose history is still to be forgotten."""

    __tablename__ = "removed"

    link_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    removed_at: Mapped[datetime]


class PartDone(Base):
    """The inbox: parts whose results are on record. A part that comes again finds itself here."""

    __tablename__ = "parts_done"
    __table_args__ = (Index("parts_done_by_age", "done_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    job_id: Mapped[uuid.UUID | None]
    done_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PartDeferred(Base):
    """Links of a part whose host wants to be left alone, until they may be asked for; see `deferral`."""

    __tablename__ = "parts_deferred"
    __table_args__ = (*constraints.of("parts_deferred"), Index("parts_deferred_due", "not_before"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    job_id: Mapped[uuid.UUID | None]
    body: Mapped[str]
    not_before: Mapped[datetime]
    # How often it was sent; it is here until it was done.
    sent: Mapped[int]
    traceparent: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


LINKS: Table = Link.__table__  # type: ignore[assignment]  # declared as a FromClause, always a Table
CHECKS: Table = Check.__table__  # type: ignore[assignment]
INCIDENTS: Table = Incident.__table__  # type: ignore[assignment]
GROUPS: Table = IncidentGroup.__table__  # type: ignore[assignment]
HELD_BREAKS: Table = HeldBreak.__table__  # type: ignore[assignment]
MOMENTS: Table = IncidentMoment.__table__  # type: ignore[assignment]
PAUSES: Table = Pause.__table__  # type: ignore[assignment]
JOBS: Table = Job.__table__  # type: ignore[assignment]
LEASES: Table = Lease.__table__  # type: ignore[assignment]
WINDOWS: Table = Window.__table__  # type: ignore[assignment]
LINK_OPTIONS: Table = LinkOptions.__table__  # type: ignore[assignment]
PARTS_DEFERRED: Table = PartDeferred.__table__  # type: ignore[assignment]
OUTBOX: Table = Outbox.__table__  # type: ignore[assignment]
# What was leased is leased again, and what was put back is put back again.
OUTBOX.info[KEPT] = "name <> 'CheckLinks'"
