"""The path in one process: our own code and databases around a broker that does whatever RabbitMQ may do."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text

from config import failpoints
from config.broker import EVENTS, LISTENS, QUEUES
from config.failpoints import Failpoint
from config.settings import Intake, Links
from tasks import wire
from tasks.audit.messages import AuditEvent
from tasks.audit.service import build as build_audit
from tasks.bundles import members_of
from tasks.confirms import Batch
from tasks.database import Sessions, transaction
from tasks.intake.messages import SweepSubmissions
from tasks.intake.models import PARTS
from tasks.intake.reading import Line
from tasks.intake.service import build as build_intake
from tasks.intake.submissions import INTERACTIVE, Caller, accept_audit_events, accept_links
from tasks.links.checking import check_links, check_many
from tasks.links.messages import CheckLinks
from tasks.links.models import OUTBOX as LINKS_OUTBOX
from tasks.outbox import Letter
from tasks.publishing import PublishError
from tasks.service import Told
from tests.tasks.links.test_handlers import Answers
from workers.sending import Relay

SERVICES = ("intake", "links", "audit")
# Whatever is unfinished is late at once.
IMPATIENT = Intake(part_size=2, lease_s=0, lease_max_s=0)


class Broker:
    """Queues that deliver at least once and in any order, and that forget everything when their disk is wiped.

    `answers` says how the next batch fares: "confirms", "dies unheard" before it takes any of it, "dies amid" it, or
    "dies mute" when it has all of it and has confirmed none.
    """

    def __init__(self) -> None:
        self.queues: dict[str, list[Letter]] = {name: [] for names in QUEUES.values() for name in names}
        self.markers: set[str] = set()
        self.answers = "confirms"
        # How often it was wiped: connections to the one before are lost.
        self.life = 0

    def take(self, letters: Sequence[Letter]) -> None:
        """Route a batch, as far as the broker lives."""
        fate, self.answers = self.answers, "confirms"
        heard = {"dies unheard": 0, "dies amid": len(letters) // 2}.get(fate, len(letters))
        for letter in letters[:heard]:
            for queue in _queues_of(letter):
                self.queues[queue].append(letter)
        if fate != "confirms":
            raise PublishError(fate)

    def duplicate(self, queue: str, place: int) -> None:
        """Deliver a message twice."""
        if waiting := self.queues[queue]:
            waiting.append(waiting[place % len(waiting)])

    def wipe(self) -> None:
        """Forget everything."""
        self.life += 1
        self.markers.clear()
        for queue in self.queues.values():
            queue.clear()


class Connection:
    """A publisher on the broker."""

    is_blocked = False

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._life = broker.life

    def remembers(self, marker: str) -> bool:
        """Whether the broker was told this and has not been wiped since."""
        return marker in self._broker.markers

    def remind(self, marker: str) -> None:
        """Have it remember."""
        self._broker.markers.add(marker)

    def send(self, letters: Sequence[Letter]) -> Batch:
        """Hand over a batch; it is decided at once."""
        self.work(0)
        batch = Batch(letters)
        self._broker.take(letters)
        failpoints.reach("relay.published")
        for _ in letters:
            batch.decide()
        return batch

    def work(self, patience_s: float) -> None:
        """Nothing is under way, where the broker still lives."""
        if self._life != self._broker.life:
            raise PublishError("the broker was lost")

    def close(self) -> None:
        """Nothing is held."""


class Restless(threading.Event):
    """Never set, and never waited for."""

    def wait(self, timeout: float | None = None) -> bool:
        return False


class World:
    """Intake, links and audit on their databases, a relay for each, and the broker between them."""

    def __init__(self, databases: dict[str, Sessions], folder: Path) -> None:
        self.broker = Broker()
        self.databases = databases
        self._folder = folder
        environs = {name: {f"PRANALA_{name.upper()}_DATABASE_URL": _url(each)} for name, each in databases.items()}
        environs["intake"] |= {"PRANALA_SWEEP_LEASE_S": "0", "PRANALA_SWEEP_LEASE_MAX_S": "0"}
        self._intake, self._audit = build_intake(environs["intake"]), build_audit(environs["audit"])
        adapters: Any = {"sessions": databases["links"], "checker": Answers(), "settings": Links()}
        self._handlers: dict[str, dict[str, tuple[type[wire.Message], Callable[[Any], None]]]] = {
            "intake": _by_name(self._intake.handlers),
            "links": _by_name({CheckLinks: partial(check_links, **adapters)}),
            "notifications": {},
            "audit": _by_name(self._audit.handlers),
        }
        many = partial(check_many, **adapters)
        self._bulk = {**self._intake.bulk, CheckLinks: many, **self._audit.bulk}
        self._tables = {"intake": self._intake.outbox, "links": LINKS_OUTBOX, "audit": self._audit.outbox}
        self._relays = {name: self._relay(name) for name in SERVICES}
        self._at_rest = True

    def begin_anew(self) -> None:
        """Without anything that is under way; what was seen to be at rest is left as it is."""
        self.broker.wipe()
        for service, sessions in self.databases.items():
            unfinished = "" if self._at_rest else ", outbox" + (", submissions, parts" * (service == "intake"))
            with sessions.begin() as session:
                session.execute(text(f"TRUNCATE sent{unfinished}"))
        self._at_rest = False

    def close(self) -> None:
        """Let the connections go."""
        for each in (self._intake, self._audit):
            each.sessions.kw["bind"].dispose()

    def submit(self, caller: Caller, urls: Sequence[str], point: str = "") -> uuid.UUID | None:
        """A job of links; None where the front API died before the commit."""
        accepted: list[uuid.UUID] = []
        with self._dying_at(point), transaction(self.databases["intake"], "front") as session:
            lines = [Line(number, url) for number, url in enumerate(urls, 1)]
            accepted.append(accept_links(session, caller, lines, IMPATIENT, INTERACTIVE).job_id)
        return None if point == "front.written" else accepted[0]

    def tell_audit(self, caller: Caller, event: AuditEvent, point: str = "") -> uuid.UUID | None:
        """A job for audit; None where the front API died before the commit."""
        accepted: list[uuid.UUID] = []
        with self._dying_at(point), transaction(self.databases["intake"], "front") as session:
            accepted.append(accept_audit_events(session, caller, [event], IMPATIENT))
        return None if point == "front.written" else accepted[0]

    def relay(self, service: str, point: str = "", answers: str = "confirms") -> None:
        """Send an outbox once; a relay that dies is another one afterwards."""
        self.broker.answers = answers
        with self._dying_at(point) as died:
            self._relays[service].send_all(Restless())
        if died:
            self._relays[service].close()
            self._relays[service] = self._relay(service)
        self.broker.answers = "confirms"

    def work(self, queue: str, place: int, point: str = "") -> None:
        """Deliver one message of a queue, any, if there is one; it is acknowledged where the worker lives."""
        if not (waiting := self.broker.queues[queue]):
            return
        letter = waiting[place % len(waiting)]
        with self._dying_at(point) as died:
            self._handle(queue, letter)
        if not died:
            waiting.remove(letter)

    def sweep(self, point: str = "") -> None:
        """Time has passed."""
        with self._dying_at(point):
            self._intake.handlers[SweepSubmissions](SweepSubmissions())

    def come_to_rest(self) -> None:
        """Nobody dies any more, and everything is sent, done and swept until nothing is left."""
        for _ in range(12):
            self.sweep()
            # The first time they may find that the broker is another one.
            for service in (*SERVICES, *SERVICES):
                self.relay(service)
            while self._is_busy():
                for service in SERVICES:
                    self.relay(service)
                for queue, waiting in self.broker.queues.items():
                    for _ in range(len(waiting)):
                        self.work(queue, 0)
            if not self.count("intake", select(func.count()).select_from(PARTS)):
                self._at_rest = True
                return
        raise AssertionError("parts are swept again and again")

    def count(self, service: str, query: Any) -> int:
        """The number that a query answers."""
        with self.databases[service]() as session:
            return int(session.scalar(query) or 0)

    def rows(self, service: str, query: str, **values: Any) -> list[Any]:
        """The rows of a query."""
        with self.databases[service]() as session:
            return list(session.execute(text(query), values).all())

    def _is_busy(self) -> bool:
        waiting = any(self.broker.queues.values())
        return waiting or any(
            self.count(name, select(func.count()).select_from(table)) for name, table in self._tables.items()
        )

    def _handle(self, queue: str, letter: Letter) -> None:
        handlers = self._handlers[queue.partition(".")[0]]
        if letter.name not in handlers:
            return
        kind, handler = handlers[letter.name]
        fields = json.loads(letter.body or "{}")
        members = members_of(fields)
        if members is None:
            handler(wire.decode(kind, fields))
            return
        told = [Told(wire.decode(kind, each.kwargs), each.traceparent) for each in members]
        self._bulk[kind](told)

    def _relay(self, service: str) -> Relay:
        return Relay(service, self.databases[service], self._tables[service], lambda: Connection(self.broker))

    @contextmanager
    def _dying_at(self, point: str) -> Iterator[list[str]]:
        """Whoever comes to the point ends there; the list says whether somebody did."""
        died: list[str] = []
        if point:
            failpoints.arm(self._folder, point, "fail")
        try:
            with failpoints.armable_in(self._folder):
                yield died
        except Failpoint:
            died.append(point)
        finally:
            if point:
                failpoints.disarm(self._folder, point)


def _queues_of(letter: Letter) -> list[str]:
    if letter.exchange != EVENTS.name:
        return [letter.routing_key]
    return [QUEUES[service][0] for service, events in LISTENS.items() if letter.routing_key in events]


def _by_name(handlers: Any) -> dict[str, tuple[type[wire.Message], Callable[[Any], None]]]:
    return {kind.name(): (kind, handler) for kind, handler in handlers.items()}


def _url(sessions: Sessions) -> str:
    return str(sessions.kw["bind"].url.render_as_string(hide_password=False))
