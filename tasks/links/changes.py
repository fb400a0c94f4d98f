"""What people set on links: each change is written and announced in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tasks import clock, outbox, wire
from tasks.links import gathering, queries, tailoring
from tasks.links.callers import Caller, Stale
from tasks.links.messages import Edit, LinksEdited, LinksRemoved
from tasks.links.models import LINKS, OUTBOX, PAUSES, Link, Pause, Removed
from tasks.links.queries import LinkFilter, LinkView
from tasks.links.record import Row, next_slot
from tasks.links.sealed import Safe, Sealed
from tasks.rows import insert_rows, update_rows
from tasks.vault import Vault

EDITABLE = (
    "interval_s",
    "tags",
    "external_id",
    "paused",
    "ignored",
    "muted_until",
    "badge",
    "confirm_hard",
    "confirm_transient",
    "min_confirm_s",
)
MOST_TAGS = 20
# So many changes are announced in one message, which stays far below what a broker takes.
TOLD_AT_ONCE = 500


def edit(
    session: Session,
    workspace_id: uuid.UUID,
    link_id: uuid.UUID,
    versions: Sequence[int],
    changes: Mapping[str, Any],
    caller: Caller,
    vault: Vault,
) -> LinkView | None:
    """Set these of a link, if it is of one of `versions` (none: whatever it is). None where there is no such link.

    Of `options` only members that are named change, and None unsets all. Raises `Stale` where somebody else was first,
    and `InvalidOptions`.
    """
    row = _locked(session, workspace_id, [link_id])
    if not row:
        return None
    changed = _changed(row[0], {name: value for name, value in changes.items() if name != "options"})
    tailored = _tailored(session, row[0], changes, vault)
    of_version = (Link.version.in_(versions),) if versions else ()
    # The database decides: the row is written only as the version that was asked for.
    written = session.execute(
        update(Link)
        .where(Link.id == link_id, *of_version)
        .values({**changed, "version": Link.version + int(bool(changed or tailored))})
        .returning(Link.id)
    ).first()
    if written is None:
        raise Stale
    _note_pauses(session, [(row[0], changed)])
    if tailored:
        tailoring.store(session, workspace_id, {link_id: tailored[1]}, new_version=False)
    if changed or tailored:
        options = {"options": (tailored[0].shown, tailored[1].shown)} if tailored else {}
        _announce(session, LinksEdited, workspace_id, [_edit(row[0], changed, options)], caller)
    return queries.get_link(session, workspace_id, link_id)


def remove(
    session: Session, workspace_id: uuid.UUID, link_id: uuid.UUID, versions: Sequence[int], caller: Caller
) -> bool:
    """Forget a link and all that was found of it. False where there is no such link."""
    rows = _locked(session, workspace_id, [link_id])
    if rows and versions and rows[0]["version"] not in versions:
        raise Stale
    _remove(session, workspace_id, rows, caller)
    return bool(rows)


@dataclass(frozen=True, slots=True)
class Bulk:
    """One action on many links: `tag` is what to tag with."""

    action: str
    wanted: LinkFilter
    tag: str = ""


def act(
    session: Session, workspace_id: uuid.UUID, bulk: Bulk, limit: int, after: str, caller: Caller
) -> tuple[int, str]:
    """Act on at most `limit` links of those wanted; how many are not as before, and where to go on."""
    page, following = queries.select_ids(session, workspace_id, limit, after, bulk.wanted)
    rows = _locked(session, workspace_id, page)
    if bulk.action == "delete":
        _remove(session, workspace_id, rows, caller)
        return len(rows), following
    change = CHANGES[bulk.action]
    edits = [(row, _changed(row, change(row, bulk.tag))) for row in rows]
    real = [(row, changed) for row, changed in edits if changed]
    _write(session, real)
    _note_pauses(session, real)
    _announce(session, LinksEdited, workspace_id, [_edit(row, changed) for row, changed in real], caller)
    return len(real), following


def _tagged(row: Row, tag: str) -> Row:
    has_room = tag not in row["tags"] and len(row["tags"]) < MOST_TAGS
    return {"tags": [*row["tags"], tag]} if has_room else {}


def _untagged(row: Row, tag: str) -> Row:
    return {"tags": [each for each in row["tags"] if each != tag]}


CHANGES: dict[str, Callable[[Row, str], Row]] = {
    "pause": lambda _row, _tag: {"paused": True},
    "resume": lambda _row, _tag: {"paused": False},
    "ignore": lambda _row, _tag: {"ignored": True},
    "heed": lambda _row, _tag: {"ignored": False},
    "tag": _tagged,
    "untag": _untagged,
}
ACTIONS = (*CHANGES, "delete")


def _locked(session: Session, workspace_id: uuid.UUID, ids: Sequence[uuid.UUID]) -> list[Row]:
    # In the order in which parts lock them too.
    query = select(*LINKS.c).where(LINKS.c.workspace_id == workspace_id, LINKS.c.id.in_(ids)).order_by(LINKS.c.id)
    return [dict(row) for row in session.execute(query.with_for_update()).mappings()]


def _changed(row: Row, changes: Mapping[str, Any]) -> Row:
    """What of it is new, and what that makes of the schedule."""
    changed = {name: value for name, value in changes.items() if row[name] != value}
    now = clock.now()
    if _speaks_again(row, changed) or (row["paused"] and changed.get("paused") is False):
        changed["next_check_at"] = now
    elif "interval_s" in changed and not row["confirming"]:
        changed["next_check_at"] = next_slot(row["id"], changed["interval_s"], now)
    return changed


def _tailored(session: Session, row: Row, changes: Mapping[str, Any], vault: Vault) -> tuple[Sealed, Sealed] | None:
    """The link's options before and after; None where they stay as they are."""
    if "options" not in changes:
        return None
    before = tailoring.read_one(session, row["id"])
    wanted = dict.fromkeys(before.shown) if changes["options"] is None else changes["options"]
    after = Safe(vault, row["workspace_id"], row["id"]).revise(before, wanted)
    return None if after is before else (before, after)


def _speaks_again(row: Row, changed: Row) -> bool:
    """Whether people may be owed something that was kept from them until now."""
    present = str(row["incident_id"]) if row["incident_id"] else None
    kept = present != (row["told"]["id"] if row["told"] else None)
    return kept and (changed.get("ignored") is False or "muted_until" in changed)


def _write(session: Session, edits: Sequence[tuple[Row, Row]]) -> None:
    columns = ("paused", "ignored", "tags", "next_check_at")
    rows = [
        {"id": row["id"], "version": row["version"] + 1, **{name: (row | changed)[name] for name in columns}}
        for row, changed in edits
    ]
    update_rows(session, LINKS, "id", rows)


def _note_pauses(session: Session, edits: Sequence[tuple[Row, Row]]) -> None:
    """When links are paused and resumed: the time between is neither up nor down."""
    now = clock.now()
    paused = [row["id"] for row, changed in edits if changed.get("paused") is True]
    resumed = [row["id"] for row, changed in edits if changed.get("paused") is False]
    insert_rows(
        session,
        PAUSES,
        [{"id": wire.new_id(), "link_id": each, "started_at": now, "ended_at": None} for each in paused],
    )
    if resumed:
        open_ones = update(Pause).where(Pause.link_id.in_(resumed), Pause.ended_at.is_(None))
        session.execute(open_ones.values(ended_at=func.greatest(now, Pause.started_at)))


def _remove(session: Session, workspace_id: uuid.UUID, rows: Sequence[Row], caller: Caller) -> None:
    if not rows:
        return
    ids = [row["id"] for row in rows]
    gathering.look_again(session, ids)
    session.execute(LINKS.delete().where(LINKS.c.id.in_(ids)))
    # A long history is not deleted while somebody waits.
    gone = insert(Removed).on_conflict_do_update(index_elements=["link_id"], set_={"removed_at": clock.now()})
    session.execute(gone, [{"link_id": identity, "removed_at": clock.now()} for identity in ids])
    _announce(session, LinksRemoved, workspace_id, [_edit(row, {}) for row in rows], caller)


def _edit(row: Row, changed: Row, options: Mapping[str, tuple[Any, Any]] = MappingProxyType({})) -> Edit:
    told = {name: (row[name], value) for name, value in changed.items() if name in EDITABLE}
    return Edit(wire.new_id(), row["id"], row["url"], told | dict(options))


def _announce(
    session: Session,
    kind: type[LinksEdited] | type[LinksRemoved],
    workspace_id: uuid.UUID,
    edits: Sequence[Edit],
    caller: Caller,
) -> None:
    now = clock.now()
    for start in range(0, len(edits), TOLD_AT_ONCE):
        told = tuple(edits[start : start + TOLD_AT_ONCE])
        event = kind(wire.new_id(), workspace_id, now, told, caller.actor, caller.ip, caller.user_agent)
        outbox.post(session, OUTBOX, [outbox.event(event)])
