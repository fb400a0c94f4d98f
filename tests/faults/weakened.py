"""The proof that the harness can fail: each protection taken out of a copy of the code, and the story that notices.

`python -m tests.faults.weakened` (`make proof`) does so with all of them, or with those whose names it is given.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT
from tests.faults import stage
from tests.faults.account import Tally
from tests.faults.stories import STORIES, Story, dies_at

CODE = ("config", "contracts", "migrations", "tasks", "web", "workers")
# A loss is believed when what is missing has not come in this time.
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Edit:
    """A text that stands once in a file, and what stands there instead."""

    file: str
    text: str
    instead: str


@dataclass(frozen=True)
class Weakness:
    """What protects (`protection`), how it is taken out, and what is told and seen then: something lost or doubled.

    `story` is the name of one of the `STORIES`, or the points at which processes die.
    """

    name: str
    protection: str
    edits: tuple[Edit, ...]
    story: str
    sees: str


WEAKNESSES = (
    Weakness(
        "publish-after-commit",
        "a message leaves the outbox when the broker has confirmed it",
        (
            Edit(
                "workers/sending.py",
                '        reach("relay.claimed")\n',
                "        copies.settle(session, self._table, letters, None)\n"
                "        session.commit()\n"
                '        reach("relay.claimed")\n',
            ),
        ),
        "relay.claimed",
        "lost",
    ),
    Weakness(
        "no-confirms",
        "the relay waits for the broker's confirm",
        (Edit("tasks/confirms.py", "        return not self._open\n", "        return True\n"),),
        "the broker freezes and dies",
        "lost",
    ),
    Weakness(
        "not-mandatory",
        "a message that no queue takes comes back",
        (Edit("tasks/envelope.py", '_MANDATORY = b"\\x01"', '_MANDATORY = b"\\x00"'),),
        "a queue is deleted",
        "lost",
    ),
    Weakness(
        "acks-early",
        "a message is acknowledged after its work",
        (Edit("workers/app.py", '"task_acks_late": True', '"task_acks_late": False'),),
        "audit.record.written",
        "lost",
    ),
    Weakness(
        "no-burial",
        "a message that failed goes to the dead letters",
        (
            Edit(
                "workers/handling.py",
                "                if not (self.undertaker and self.undertaker.bury(remains, death_of(error))):\n"
                "                    raise\n",
                "",
            ),
        ),
        "a handler fails",
        "lost",
    ),
    Weakness(
        "no-sweeper",
        "work that outlives its lease is sent again",
        (
            Edit(
                "tasks/intake/handlers.py",
                "        parts.send_again(session, Part.id.in_([row.id for row in late]))\n",
                "",
            ),
        ),
        "the broker forgets a queue",
        "lost",
    ),
    Weakness(
        "finish-without-lock",
        "of two last parts of a job, the second waits for the first",
        (
            Edit(
                "tasks/intake/handlers.py",
                "    .order_by(Submission.id)\n    .with_for_update()\n",
                "    .order_by(Submission.id)\n",
            ),
        ),
        "the last parts end together",
        "unfinished",
    ),
    Weakness(
        "no-idempotency",
        "the answer to a submission is kept with its Idempotency-Key, in its transaction",
        (
            Edit(
                "web/accepting.py",
                "    if scope:\n"
                "        idempotency.remember(session, scope, _payload(fingerprint), _remembered(work))\n",
                "",
            ),
        ),
        "front.committed",
        "duplicated",
    ),
    Weakness(
        "links-without-inbox",
        "links remembers the parts that are done",
        (
            Edit(
                "tasks/links/inbox.py",
                '    return set(session.scalars(DONE, {"ids": ids}))\n',
                "    return set()\n",
            ),
            Edit(
                "tasks/links/inbox.py",
                "    return set(session.scalars(TAKE, values))\n",
                '    session.execute(TAKE, values)\n    return set(values["ids"])\n',
            ),
        ),
        "links.check.committed",
        # The table of jobs refuses to count a part twice: what comes again is no message that can be done.
        "dead letters",
    ),
    Weakness(
        "notifications-without-inbox",
        "there is one delivery of an event to a channel",
        (Edit("tasks/notifications/deliveries.py", '"event_id": cause.event_id,', '"event_id": wire.new_id(),'),),
        "notifications.tell.committed",
        "duplicated",
    ),
    Weakness(
        "audit-without-inbox",
        "there is one audit event of an id",
        (
            Edit(
                "tasks/audit/handlers.py",
                "{name: getattr(event, name) for name in COLUMNS}",
                '{name: getattr(event, name) for name in COLUMNS} | {"event_id": wire.new_id()}',
            ),
        ),
        "audit.record.committed",
        "duplicated",
    ),
    Weakness(
        "recorded-before-sent",
        "a delivery has succeeded when its receiver has said so",
        (
            Edit("tasks/notifications/handlers.py", "    outcome = _send(claim, vault, senders)\n", ""),
            Edit("tasks/notifications/handlers.py", "Ended(outcome, at,", "Ended(Outcome(True, 200), at,"),
            Edit(
                "tasks/notifications/handlers.py",
                '    reach("notifications.deliver.sent")\n',
                "",
            ),
            Edit(
                "tasks/notifications/handlers.py",
                "        deliveries.settle(session, claim, ended, settings)\n",
                "        deliveries.settle(session, claim, ended, settings)\n"
                '    reach("notifications.deliver.sent")\n'
                "    _send(claim, vault, senders)\n",
            ),
        ),
        "notifications.deliver.sent",
        "lost",
    ),
    Weakness(
        "no-delivery-lease",
        "a delivery that was begun and never ended is handed out again",
        (
            Edit(
                "tasks/notifications/deliveries.py",
                ".where(Delivery.finished_at.is_(None), Delivery.leased_until <= func.now())",
                '.where(Delivery.state == "pending", Delivery.leased_until <= func.now())',
            ),
        ),
        "notifications.claim.committed",
        "lost",
    ),
)


@contextmanager
def weakened(name: str) -> Iterator[Path]:
    """The root of a copy of the code without one protection."""
    [weakness] = [each for each in WEAKNESSES if each.name == name]
    with tempfile.TemporaryDirectory(prefix="weakened-") as folder:
        root = Path(folder)
        for package in CODE:
            shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
        for edit in weakness.edits:
            path = root / edit.file
            path.write_text(edited(path.read_text(), edit))
        yield root


def edited(code: str, edit: Edit) -> str:
    """The code with one edit. Raises ValueError where its text does not stand there exactly once."""
    if code.count(edit.text) != 1:
        raise ValueError(f"{edit.file} has {code.count(edit.text)} times: {edit.text}")
    return code.replace(edit.text, edit.instead)


def story_of(weakness: Weakness) -> Story:
    """What is told of the weakened product."""
    return STORIES.get(weakness.story) or dies_at(*weakness.story.split())


def tell(weakness: Weakness) -> Tally:
    """The account of the story without the protection."""
    with (
        tempfile.TemporaryDirectory(prefix="proof-") as folder,
        weakened(weakness.name) as root,
        stage.standing(Path(folder), root) as standing,
    ):
        return story_of(weakness)(standing, PATIENCE_S)


def is_seen(weakness: Weakness, tally: Tally) -> bool:
    """Whether the account says what it should of this weakness."""
    return any(fault.startswith(weakness.sees) for fault in tally.faults)


def main(names: Sequence[str]) -> int:
    """Try each; status 0 if every one is seen."""
    unseen = 0
    for weakness in WEAKNESSES:
        if names and weakness.name not in names:
            continue
        tally = tell(weakness)
        seen = is_seen(weakness, tally)
        unseen += not seen
        print(f"{'seen' if seen else 'NOT SEEN'}: {weakness.name}: {'; '.join(tally.faults) or 'nothing'}", flush=True)
    return 1 if unseen else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="proof", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    asked = parser.parse_args().names
    if unknown := set(asked) - {each.name for each in WEAKNESSES}:
        parser.error(f"no such weakness: {', '.join(sorted(unknown))}")
    raise SystemExit(main(asked))
