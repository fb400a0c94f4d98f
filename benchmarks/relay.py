"""How many small messages a second go from an outbox to a quorum queue, beside plain py-amqp in the same run."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import kombu
import psutil
from amqp.basic_message import Message as AmqpMessage
from sqlalchemy import text

from benchmarks import pranala
from benchmarks.processes import Cost, watched
from benchmarks.report import Benchmark, progress, table
from cli.local.product import Product
from config.broker import BUNDLED, JOBS, QUEUES, declare
from tasks import database, envelope, outbox, wire
from tasks.database import Sessions
from tasks.links.messages import PartChecked
from tasks.links.models import OUTBOX
from tasks.outbox import Draft, Letter
from tasks.wire import new_id
from workers.sending import WINDOW

QUEUE = QUEUES["intake"][0]
# A name that does not travel in bundles.
ALONE = "Alone"
WAYS = (
    f"plain py-amqp, {WINDOW:,} unconfirmed at most",
    "outbox to queue, one by one",
    "outbox to queue, in bundles",
)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass(frozen=True)
class Sent:
    """What the sending of all messages took."""

    messages: int
    cost: Cost

    @property
    def per_s(self) -> float:
        """Messages a second."""
        return self.messages / self.cost.seconds


def options(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument("--messages", type=int, default=50_000, help="messages of each round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the best of each counts")


def measure(asked: argparse.Namespace) -> str:
    """The relay's rate, that of plain publishing, and their ratio."""
    with pranala.servers() as backing:
        product = Product(backing, {"PATH": os.environ["PATH"]})
        product.migrate()
        sessions = database.connect(backing.database_urls["links"])
        product.launch(["relay"])
        product.wait_ready()
        root = psutil.Process(int((backing.local.data.run / "supervisord.pid").read_text()))
        plain, alone, bundled = [], [], []
        for number in range(asked.rounds):
            plain.append(_plain(backing.broker_url, asked.messages, root))
            alone.append(_relayed(sessions, backing.broker_url, ALONE, asked.messages, root))
            bundled.append(_relayed(sessions, backing.broker_url, PartChecked.name(), asked.messages, root))
            rates = ", ".join(
                f"{rounds[-1].per_s:,.0f} {way}" for way, rounds in zip(WAYS, (plain, alone, bundled), strict=True)
            )
            progress(f"round {number + 1}: {rates}")
        product.stop()
        sessions.kw["bind"].dispose()
        return f"{_table(plain, alone, bundled)}\n\n{pranala.versions(backing)}."


def _plain(broker_url: str, messages: int, root: psutil.Process) -> Sent:
    """py-amqp alone: the same messages from memory, as many unconfirmed at once as the relay has."""
    letters = _letters(messages)
    with kombu.Connection(broker_url) as connection:
        declare(connection.default_channel, rabbitmq=True)
        connection.default_channel.queue_purge(QUEUE)
        channel = connection.channel()
        channel.confirm_select()
        window = _Window(channel)
        with watched(root) as cost:
            own = time.process_time()
            for letter in letters:
                while len(window.open) >= WINDOW:
                    connection.drain_events(timeout=15)
                window.publish(letter)
            while window.open:
                connection.drain_events(timeout=15)
        cost.cpu_by_name["py-amqp"] = time.process_time() - own
        _expect(connection, messages, bundles=False)
    return Sent(messages, cost)


class _Window:
    """What is published and not confirmed."""

    def __init__(self, channel: kombu.transport.pyamqp.Channel) -> None:
        self.open: dict[int, None] = {}
        self._channel = channel
        self._tag = 0
        channel.events["basic_ack"].add(self._on_ack)

    def publish(self, letter: Letter) -> None:
        self._tag += 1
        self.open[self._tag] = None
        message = AmqpMessage(
            envelope.body_of(letter),
            application_headers=envelope.headers_of(letter),
            **envelope.properties_of(letter),
        )
        self._channel._basic_publish(message, letter.exchange, letter.routing_key, mandatory=True, timeout=15)

    def _on_ack(self, tag: int, multiple: bool) -> None:
        if not multiple:
            self.open.pop(tag, None)
            return
        while self.open and (first := next(iter(self.open))) <= tag:
            del self.open[first]


def _relayed(sessions: Sessions, broker_url: str, name: str, messages: int, root: psutil.Process) -> Sent:
    """The relay as it runs: from the commit of all rows until the outbox is empty and the queue holds as many."""
    drafts = [_draft(name) for _ in range(messages)]
    with kombu.Connection(broker_url) as connection, sessions() as session:
        connection.default_channel.queue_purge(QUEUE)
        outbox.post(session, OUTBOX, drafts)
        with watched(root) as cost:
            session.commit()
            while session.scalar(text("SELECT EXISTS (SELECT FROM outbox)")):
                session.rollback()
                time.sleep(0.01)
        _expect(connection, messages, bundles=name in BUNDLED)
    return Sent(messages, cost)


def _letters(count: int) -> list[Letter]:
    drafts = (_draft(ALONE) for _ in range(count))
    return [Letter(new_id(), each.name, each.exchange, each.routing_key, each.body, TRACE, "") for each in drafts]


def _draft(name: str) -> Draft:
    """The same words, by whatever name."""
    return Draft(name, JOBS.name, QUEUE, wire.encode(PartChecked(new_id(), new_id(), new_id())), TRACE)


def _expect(connection: kombu.Connection, messages: int, bundles: bool) -> None:
    held = connection.default_channel.queue_declare(QUEUE, passive=True).message_count
    if not (0 < held <= messages if bundles else held == messages):
        raise SystemExit(f"{messages} messages were sent, but the queue holds {held}")


def _table(*ways: Sequence[Sent]) -> str:
    best = [max(rounds, key=lambda each: each.per_s) for rounds in ways]
    rows = [
        (way, f"{each.per_s:,.0f}", f"{each.per_s / best[0].per_s:.2f}", _cpu(each))
        for way, each in zip(WAYS, best, strict=True)
    ]
    return table(("way", "messages/s", "times plain", "CPU µs a message"), rows)


def _cpu(sent: Sent) -> str:
    used = sorted(sent.cost.cpu_by_name.items(), key=lambda each: -each[1])
    return ", ".join(f"{name} {1e6 * seconds / sent.messages:.0f}" for name, seconds in used if seconds > 0.01)


BENCHMARK = Benchmark("relay", "The relay", options, measure)

if __name__ == "__main__":
    BENCHMARK.main()
