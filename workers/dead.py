"""Dead letters straight at the broker, for when the API is down: `python -m workers.dead list|show|replay|discard`.

Does what `pranala ops dead` does; replaying and discarding is recorded with `operator` for the actor. Needs
PRANALA_BROKER_URL, of RabbitMQ. Prints a JSON object a letter; how many there were goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

import kombu
from kombu.exceptions import KombuError

from config import broker, logging
from config.settings import Broker, Logging, SettingsError, load
from tasks.publishing import PublishError
from workers.dead_letters import QUEUES, DeadLetter, DeadLetters
from workers.recorded import ACTIONS, Operator, recorder

PAGE = 200
OPERATOR = Operator("operator")


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Do one thing; returns 0, 1 for what cannot be done, 2 for what was not understood."""
    arguments = _parser().parse_args(argv)
    try:
        url = load(Broker, environ).url
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    if not broker.is_rabbitmq(url):
        print("this broker keeps no dead letters", file=sys.stderr)
        return 1
    try:
        with kombu.Connection(url, connect_timeout=5) as connection:
            count = _do(DeadLetters(connection), url, arguments)
    except (KombuError, PublishError, OSError) as error:
        print(f"the broker cannot be asked: {error}", file=sys.stderr)
        return 1
    print(f"{arguments.command}: {count}", file=sys.stderr)
    return 0 if count or arguments.command == "list" else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workers.dead", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="what there is")
    listing.add_argument("--queue", choices=QUEUES)
    listing.add_argument("--limit", type=int, default=PAGE)
    commands.add_parser("show", help="one, whole").add_argument("id", type=uuid.UUID)
    for action in ACTIONS:
        acting = commands.add_parser(action, help="those of these ids, or all of a queue")
        chosen = acting.add_mutually_exclusive_group(required=True)
        chosen.add_argument("--queue", choices=QUEUES)
        chosen.add_argument("--id", type=uuid.UUID, action="append", dest="ids", default=[])
    return parser


def _do(dead: DeadLetters, url: str, arguments: argparse.Namespace) -> int:
    if arguments.command == "list":
        found, _ = dead.page((arguments.queue,) if arguments.queue else QUEUES, arguments.limit, "")
        return _print(found, whole=False)
    if arguments.command == "show":
        letter = dead.find(arguments.id)
        return _print([letter] if letter else [], whole=True)
    record = recorder(url, OPERATOR, arguments.command)
    if arguments.ids:
        return sum(dead.act(arguments.command, queue, frozenset(arguments.ids), record) for queue in QUEUES)
    # Those that die again meanwhile are left for the next time.
    left, done = dead.waiting((arguments.queue,)), 0
    while done < left and (count := dead.act(arguments.command, arguments.queue, frozenset(), record)):
        done += count
    return done


def _print(letters: Iterable[DeadLetter], whole: bool) -> int:
    count = 0
    for count, letter in enumerate(letters, 1):  # noqa: B007  # counted
        shown = asdict(letter) | {"id": str(letter.id), "body": letter.body.decode(errors="replace")}
        kept = shown if whole else {name: value for name, value in shown.items() if name not in ("body", "traceback")}
        print(json.dumps(kept, ensure_ascii=False))
    return count


if __name__ == "__main__":
    logging.configure(load(Logging, os.environ))
    raise SystemExit(main())
