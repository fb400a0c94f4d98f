"""After a restore: has every service say and ask again what those that were restored have forgotten.

`pranala db restore` runs it by itself: `python -m workers.reconcile --id UUID --restored links=2026-11-22T02:00:00Z`.
Doing it twice does nothing twice: receivers absorb what they know.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from config.broker import QUEUES
from config.settings import SERVICES, Database, SettingsError, load
from tasks import clock, copies, database, outbox, wire
from tasks.audit.messages import AuditEvent, RecordEvents
from tasks.intake import finished

# Several databases are several clocks.
MARGIN = timedelta(minutes=10)
ACTOR = "operator"


@dataclass(frozen=True)
class Restoration:
    """Which services were restored, and of what moment each one's backup is."""

    id: uuid.UUID
    restored: Mapping[str, datetime]
    backup: str = ""


def reconcile(restoration: Restoration, environ: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """Put back in each database that is given what is to be said again. Returns how much, by service."""
    return {
        service: _note(service, restoration, url) for service in SERVICES if (url := _database_url(service, environ))
    }


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    root = argparse.ArgumentParser(prog="python -m workers.reconcile", description=__doc__)
    root.add_argument("--id", type=uuid.UUID, default=None, help="of the restoration (default: a new one)")
    root.add_argument("--backup", default="", help="the backup's name, for the audit record")
    root.add_argument(
        "--restored",
        required=True,
        action="extend",
        nargs="+",
        type=_restored,
        metavar="SERVICE=TIME",
        help="a service that was restored, and when its backup was taken",
    )
    return root


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Print as JSON how much is to be said again."""
    arguments = parser().parse_args(argv)
    restoration = Restoration(arguments.id or wire.new_id(), dict(arguments.restored), arguments.backup)
    try:
        print(json.dumps(reconcile(restoration, environ)))
    except database.AWAY as error:
        print(f"a database cannot be reached: {error}", file=sys.stderr)
        return 1
    return 0


def _restored(text: str) -> tuple[str, datetime]:
    service, _, moment = text.partition("=")
    if service not in SERVICES:
        raise argparse.ArgumentTypeError(f"no such service: {service}")
    at = datetime.fromisoformat(moment)
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{moment} has no time zone")
    return service, at


def _database_url(service: str, environ: Mapping[str, str]) -> str:
    with suppress(SettingsError):
        return load(Database, environ, service).url
    return ""


def _note(service: str, restoration: Restoration, url: str) -> dict[str, int]:
    sessions = database.connect(url, "pranala reconcile", pool_size=1)
    with sessions.begin() as session:
        # To those who were restored the broker has lost what they have forgotten.
        asked = {"batches": copies.put_back(session, is_new=True), "parts": 0}
        if service == "intake":
            asked["parts"] = _ask_again(session, restoration.restored)
        if service in restoration.restored:
            _record(session, service, restoration)
        return asked


def _ask_again(session: Session, restored: Mapping[str, datetime]) -> int:
    """Parts that intake believes to be done, and that a service with an older memory may not have done."""
    return sum(
        finished.ask_again(session, QUEUES[service], at - MARGIN)
        for service, at in restored.items()
        if service in QUEUES
    )


def _record(session: Session, service: str, restoration: Restoration) -> None:
    """Tell audit of the restore, by the outbox of what was restored."""
    at = restoration.restored[service]
    event = AuditEvent(
        event_id=uuid.uuid5(restoration.id, service),
        workspace_id=None,
        occurred_at=clock.now(),
        service=service,
        actor=ACTOR,
        action="database.restored",
        resource_kind="database",
        resource_id=service,
        resource_name=restoration.backup,
        details={"restoration_id": str(restoration.id), "backup_at": at.isoformat()},
    )
    table = importlib.import_module(f"tasks.{service}.models").OUTBOX
    outbox.post(session, table, [outbox.job("audit", RecordEvents((event,)))])


if __name__ == "__main__":
    sys.exit(main())
