"""Options of single links: kept beside the links, because few have any."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Uuid, cast, delete, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from tasks.links.messages import LinkSettings
from tasks.links.models import LINK_OPTIONS, LINKS, LinkOptions
from tasks.links.sealed import Sealed
from tasks.links.settling import Checked
from tasks.rows import as_json, update_rows

CONFIRMATION = ("confirm_hard", "confirm_transient", "min_confirm_s")
# What is there already is not stored again, and makes no new version of the link.
INTO_STORE = """
    INSERT INTO link_options (link_id, workspace_id, options, secrets)
    SELECT link_id, workspace_id, options, secrets
    FROM json_populate_recordset(NULL::link_options, CAST(:rows AS json)) ORDER BY link_id
    ON CONFLICT (link_id) DO UPDATE SET options = excluded.options, secrets = excluded.secrets
    WHERE (link_options.options, link_options.secrets) IS DISTINCT FROM (excluded.options, excluded.secrets)
"""
STORE = text(INTO_STORE)
STORE_ANEW = text(
    f"WITH stored AS ({INTO_STORE} RETURNING link_id)"  # noqa: S608  # our own words
    " UPDATE links SET version = version + 1 FROM stored WHERE links.id = stored.link_id"
)


def read(session: Session, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Sealed]:
    """The options of those of these links that have some."""
    wanted = func.unnest(cast(list(ids), ARRAY(Uuid))).column_valued("id")
    rows = session.execute(select(LINK_OPTIONS).where(LINK_OPTIONS.c.link_id.in_(select(wanted))))
    return {row.link_id: Sealed(row.options, row.secrets) for row in rows}


def read_one(session: Session, identity: uuid.UUID) -> Sealed:
    """A link's options."""
    return read(session, [identity]).get(identity, Sealed())


def store(
    session: Session, workspace_id: uuid.UUID, options: Mapping[uuid.UUID, Sealed], new_version: bool = True
) -> None:
    """Give links these options, all of them and no others. The rows of the links are locked."""
    none = [identity for identity, sealed in options.items() if not sealed.shown]
    if none:
        session.execute(delete(LinkOptions).where(LinkOptions.link_id.in_(none)))
    rows = [
        {"link_id": identity, "workspace_id": workspace_id, "options": sealed.shown, "secrets": sealed.secrets}
        for identity, sealed in options.items()
        if sealed.shown
    ]
    if rows:
        session.execute(STORE_ANEW if new_version else STORE, {"rows": as_json(rows)})


def keep(session: Session, checked: Mapping[str, Checked], rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep what submitters set on links of one workspace, whose rows are written and locked."""
    given = {row["id"]: each for row in rows if (each := checked[row["url"]].spec.settings)}
    if not given:
        return
    ours = [row for row in rows if row["id"] in given]
    confirming = [row for row in ours if given[row["id"]].confirmation]
    update_rows(session, LINKS, "id", [{name: row.get(name) for name in ("id", *CONFIRMATION)} for row in confirming])
    store(session, ours[0]["workspace_id"], {row["id"]: sealed for row in ours if (sealed := of(given[row["id"]]))})


def of(settings: LinkSettings | None) -> Sealed | None:
    """The options that came with a submission; None where it said nothing of them."""
    if settings is None or settings.options is None:
        return None
    return Sealed(settings.options, settings.secrets)
