"""What the results of a part make of the rows of its links: known ones are moved, new ones are added."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from config.settings import Links
from tasks import clock, outbox, wire
from tasks.links import freeze, record
from tasks.links.freeze import FreezeRules, Seen
from tasks.links.messages import CheckLinks, ChecksFrozen, LinkSpec, link_id
from tasks.links.models import LINKS, OUTBOX
from tasks.links.pace import Pace
from tasks.links.record import Outcome, Row
from tasks.links.result import Result
from tasks.links.state import ConfirmRules
from tasks.rows import FEW, add_rows, among, insert_rows, update_rows, write

# In the order of their ids, so that two parts with links in common never wait for each other in a circle.
LOCKED = select(*LINKS.c).where(among(LINKS.c.id, "ids")).order_by(LINKS.c.id).with_for_update()


@dataclass(frozen=True, slots=True)
class Checked:
    """What was asked of a link, and what came of it; by which part, in which trace."""

    spec: LinkSpec
    result: Result
    part: CheckLinks
    traceparent: str


@dataclass(frozen=True)
class Course:
    """What links that are settled together have in common: their workspace, and how its settings move them."""

    workspace_id: uuid.UUID
    rules: ConfirmRules
    pace: Pace
    interval_s: int
    freeze: FreezeRules


def settle(session: Session, checked: Mapping[str, Checked], settings: Links) -> list[Outcome]:
    """Move every link by its result, found by its URL. All are of one workspace, and of parts that all add links or
    none.

    A new link that another transaction adds at this moment is taken up as a known one.
    """
    if not checked:
        return []
    part = next(iter(checked.values())).part
    course = _course(part.workspace_id, settings)
    pending = {url: link_id(course.workspace_id, url) for url in checked}
    outcomes: list[Outcome] = []
    while pending:
        known = _locked(session, list(pending.values()))
        for row in known:
            del pending[row["url"]]
        outcomes += _move_known(session, course, known, checked)
        if not adds(part):
            break
        added = _add_new(session, course, pending, checked)
        for outcome in added:
            del pending[outcome.row["url"]]
        outcomes += added
    return outcomes


def adds(part: CheckLinks) -> bool:
    """Whether links that are not known are added."""
    return part.registers and not part.leased


def rules_of(settings: Links) -> ConfirmRules:
    """How sure to be, as the settings say."""
    return ConfirmRules(
        hard=settings.confirm_hard,
        transient=settings.confirm_transient,
        min_confirm_s=settings.min_confirm_s,
        offsets_s=settings.confirm_offsets_s,
        recover_ok=settings.recover_ok,
    )


def _course(workspace_id: uuid.UUID, settings: Links) -> Course:
    return Course(
        workspace_id=workspace_id,
        rules=rules_of(settings),
        pace=Pace(settings.broken_backoff, settings.stable_backoff),
        interval_s=settings.interval_s,
        freeze=FreezeRules(settings.freeze_share, settings.freeze_hosts, settings.freeze_longest_s),
    )


def _locked(session: Session, ids: list[uuid.UUID]) -> list[Row]:
    return [dict(row) for row in session.execute(LOCKED, {"ids": ids}).mappings()]


def _move_known(
    session: Session, course: Course, known: Sequence[Row], checked: Mapping[str, Checked]
) -> list[Outcome]:
    if not known:
        return []
    held = _is_held(session, course, [_seen(row, checked[row["url"]].result) for row in known])
    moved = [_move(course, row, checked[row["url"]], held) for row in known]
    update_rows(session, LINKS, "id", [_mutable(outcome.row) for outcome in moved])
    return moved


def _move(course: Course, row: Row, checked: Checked, held: bool) -> Outcome:
    part, result = checked.part, checked.result
    if held and freeze.is_doubtful(result):
        return record.hold(row, result, part.scheduled_at, course.rules)
    if part.job_id:
        row = record.resubmitted(row, checked.spec, checked.traceparent)
    return record.apply(row, result, part.scheduled_at, course.rules, course.pace)


def _mutable(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in record.SET_BY_PEOPLE}


def _add_new(
    session: Session, course: Course, new: Mapping[str, uuid.UUID], checked: Mapping[str, Checked]
) -> list[Outcome]:
    if not new:
        return []
    # In the order of their ids, for the same reason as above; compared as numbers, which is much quicker.
    born = [_bear(course, new[url], checked[url]) for url in sorted(new, key=lambda url: new[url].int)]
    rows = [outcome.row for outcome in born]
    if len(rows) > FEW and _copied(session, rows):
        return born
    # Those that somebody else adds at this moment are left out.
    added = add_rows(session, LINKS, "id", rows)
    return [outcome for outcome in born if outcome.row["id"] in added]


def _copied(session: Session, rows: Sequence[Row]) -> bool:
    """Whether all could be added at once, because nobody else adds one of them."""
    write(session)
    try:
        with session.begin_nested():
            insert_rows(session, LINKS, rows)
    except IntegrityError:
        return False
    return True


def _bear(course: Course, identity: uuid.UUID, checked: Checked) -> Outcome:
    at = checked.part.scheduled_at
    row = record.new_link(course.workspace_id, identity, checked.spec, at, course.interval_s, checked.traceparent)
    return record.apply(row, checked.result, at, course.rules, course.pace)


def _seen(row: Row, result: Result) -> Seen:
    return Seen(row["state"], row["host"], result, row["failing_since"])


def _is_held(session: Session, course: Course, seen: Sequence[Seen]) -> bool:
    """Whether these failures are too many at once to be believed."""
    now, workspace_id = clock.now(), course.workspace_id
    storm = freeze.storm(seen, course.freeze)
    if storm is None and (since := freeze.doubted_since(seen)):
        storm = freeze.long_storm(session, workspace_id, since, course.freeze)
    if storm is None:
        return False
    holding = freeze.hold(session, workspace_id, now, course.freeze)
    if holding.began:
        told = ChecksFrozen(wire.new_id(), workspace_id, now, storm.failed, storm.checked, storm.hosts)
        outbox.post(session, OUTBOX, [outbox.event(told)])
    return holding.active
