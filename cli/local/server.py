"""A backing server that we run ourselves: how it starts, answers, stops, dies and forgets."""

import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from cli.local.credentials import Credentials
from cli.local.data import DataDir
from cli.local.errors import NotReady
from cli.local.origin import Skip
from cli.local.ports import Ports
from cli.local.program import Program
from cli.local.readiness import wait_until
from cli.local.supervisord import Supervisord

READY_WITHIN_S = 60


@dataclass(frozen=True)
class Local:
    """What the servers of one data directory share; `restart` says whether one that dies comes back."""

    data: DataDir
    supervisord: Supervisord
    ports: Ports
    credentials: Credentials
    skip: Skip
    durable: bool = True
    restart: bool = True


class Server(ABC):
    """`url` has the password in it; `origin` is words for a person; `store` holds what it must remember."""

    name: str
    url: str
    origin: str
    store: Path

    def __init__(self, local: Local) -> None:
        self.local = local

    @abstractmethod
    def programs(self) -> tuple[Program, ...]:
        """What runs; the last one is the server itself."""

    @abstractmethod
    def prepare(self) -> None:
        """Put its files in place; called before every start, leaves alone what is there already."""

    @abstractmethod
    def ask(self) -> None:
        """Raise NotReady unless it answers in its own protocol."""

    def register(self) -> None:
        """Make it known to supervisord; once, before the first start."""
        self.local.supervisord.add(self.name, self.programs())

    def launch(self) -> None:
        """Have it started, without waiting until it answers."""
        self.prepare()
        self.local.supervisord.start(self.name)

    def wait_ready(self, within_s: float = READY_WITHIN_S) -> None:
        """Until it answers; whoever waited in vain is shown what it said last."""
        try:
            wait_until(self.ask, within_s, self.local.supervisord.raise_if_fatal)
        except NotReady as refusal:
            lines = self.local.supervisord.last_lines(self.name)
            raise NotReady(f"{refusal}. The last lines of {self.name}:\n{lines}") from refusal

    def start(self) -> None:
        """Start it on its old port and wait until it answers."""
        self.launch()
        self.wait_ready()

    def stop(self) -> None:
        """Stop it in its own orderly way."""
        self.local.supervisord.stop(self.name)

    def kill(self) -> None:
        """SIGKILL; it comes back by itself only where `local.restart` says so."""
        self.local.supervisord.kill(self.name)

    def wipe(self) -> None:
        """Stop it if it runs and lose everything it stored."""
        self.stop()
        shutil.rmtree(self.store)
