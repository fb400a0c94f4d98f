"""Dead letters: look at them, send them again, or drop them: `python deploy/dead_letters.py show|replay|drop QUEUE`.

Needs PRANALA_BROKER_URL, of RabbitMQ. `show` prints a JSON object a letter and leaves all of them where they are.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import kombu

from config import broker
from config.settings import Broker, SettingsError, load

BODY_SHOWN = 2000
# What the broker wrote on a letter when it died; a letter that is sent again starts anew.
MARKS = ("x-death", "x-first-death", "x-last-death", "x-delivery-count", "x-acquired-count")
ACTIONS = ("show", "replay", "drop")


def letters(channel: Any, queue: str) -> Iterator[Any]:
    """The letters that are dead by now; those that die meanwhile are left for the next time."""
    waiting = channel.queue_declare(f"{queue}.dead", passive=True).message_count
    for _ in range(waiting):
        letter = channel.basic_get(f"{queue}.dead")
        if letter is None:
            return
        yield letter


def show(channel: Any, queue: str) -> int:
    """Print each; they are put back when the channel closes."""
    found = 0
    for letter in letters(channel, queue):
        found += 1
        print(json.dumps(_described(letter), default=str))
    return found


def replay(channel: Any, queue: str) -> int:
    """Send each to its queue again, and take it off the dead ones when the broker has confirmed that."""
    channel.confirm_select()
    sent = 0
    for letter in letters(channel, queue):
        headers = letter.properties.get("application_headers") or {}
        kept = {name: value for name, value in headers.items() if not name.startswith(MARKS)}
        letter.properties["application_headers"] = kept
        channel.basic_publish_confirm(letter, exchange=broker.JOBS.name, routing_key=queue, mandatory=True)
        channel.basic_ack(letter.delivery_tag)
        sent += 1
    return sent


def drop(channel: Any, queue: str) -> int:
    """Forget them all."""
    return int(channel.queue_purge(f"{queue}.dead"))


def _described(letter: Any) -> dict[str, Any]:
    headers = letter.properties.get("application_headers") or {}
    died = (headers.get("x-death") or [{}])[0]
    return {
        "id": letter.properties.get("correlation_id"),
        "message": headers.get("task"),
        "reason": died.get("reason"),
        "died_at": died.get("time"),
        "request_id": headers.get("request_id"),
        "traceparent": headers.get("traceparent"),
        "body": str(letter.body)[:BODY_SHOWN],
    }


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Do one action with one queue's dead letters; how many they were goes to stderr."""
    queues = [name for names in broker.QUEUES.values() for name in names]
    parser = argparse.ArgumentParser(prog="dead_letters", description=__doc__)
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("queue", choices=queues, help="the queue they died in")
    arguments = parser.parse_args(argv)
    actions: dict[str, Callable[[Any, str], int]] = {"show": show, "replay": replay, "drop": drop}
    try:
        url = load(Broker, environ).url
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    if not broker.is_rabbitmq(url):
        print("this broker keeps no dead letters", file=sys.stderr)
        return 1
    with kombu.Connection(url, connect_timeout=5) as connection:
        count = actions[arguments.action](connection.default_channel, arguments.queue)
    print(f"{arguments.action}: {count}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
