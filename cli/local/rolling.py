"""A rolling restart of the running product: one process after another, and somebody at work all the time.

Where a process is the only one that does its work, another of it stands in: started first and stopped last. One that
does not come up ends the restart there, with the old one still at work.
"""

import fcntl
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from cli.local.data import DataDir
from cli.local.errors import LocalError, NotReady
from cli.local.processes import MIGRATE, PROCESSES, WEB, Process
from cli.local.program import Program
from cli.local.readiness import Question, wait_until
from cli.local.supervisord import Supervisord

READY_WITHIN_S = 180
STAND_IN = "stand-in"

Say = Callable[[str], None]


class Rolling:
    """On a data directory on which `pranala up` runs."""

    def __init__(self, data: DataDir, say: Say) -> None:
        self._data = data
        self._say = say
        self._supervisord = Supervisord(data).attach()

    def restart(self, names: Sequence[str] = ()) -> None:
        """Restart the processes of these names, or all that run after bringing the databases to the newest schema."""
        chosen = self._choose(names)
        with self._only_one():
            self._end_stand_in()
            if not names:
                self._migrate()
            for process in chosen:
                self._say(f"restarting {process.name} …")
                self._replace_web() if process is WEB else self._replace(process)

    def _choose(self, names: Sequence[str]) -> list[Process]:
        """web comes last: what it asks of the others they must know already."""
        running = {state.name for state in self._supervisord.states() if state.status == "RUNNING"}
        known = {process.name for process in PROCESSES}
        if unknown := sorted(set(names) - known):
            raise LocalError(f"no process is called {', '.join(unknown)}; there are {', '.join(sorted(known))}")
        chosen = [one for one in PROCESSES if one.name in (names or running)]
        return sorted(chosen, key=lambda one: one is WEB)

    def _replace(self, process: Process) -> None:
        if not process.alone:
            self._stop_and_start(process)
            return
        with self._standing_in(process):
            self._stop_and_start(process)

    def _stop_and_start(self, process: Process) -> None:
        self._supervisord.stop(process.name)
        # One that had to be killed has left it.
        self._sign(process.name).unlink(missing_ok=True)
        self._supervisord.start(process.name)
        self._wait_ready(process, process.name)

    @contextmanager
    def _standing_in(self, process: Process) -> Iterator[None]:
        program = stand_in_of(self._supervisord.program(process.name))
        self._sign(program.name).unlink(missing_ok=True)
        self._supervisord.add(STAND_IN, [program])
        try:
            self._supervisord.start(program.name)
            self._wait_ready(process, program.name)
            yield
        finally:
            self._end_stand_in()

    def _end_stand_in(self) -> None:
        if self._supervisord.knows(STAND_IN):
            self._supervisord.remove(STAND_IN)

    def _wait_ready(self, process: Process, name: str) -> None:
        """Running, and at work where it can tell."""

        def ask() -> None:
            state = self._supervisord.state(name)
            if state.status != "RUNNING" or (process.tells and not self._sign(name).exists()):
                lines = self._supervisord.last_lines(name)
                raise NotReady(f"{name} is {state.status.lower()} and not at work yet. Its last lines:\n{lines}")

        self._wait_until(ask)

    def _replace_web(self) -> None:
        """gunicorn keeps its socket; it is told to have a worker more and, when that is at work, to end the oldest.

        A worker that cannot start would end its master, and so it is tried before.
        """
        program = self._supervisord.program(WEB.name)
        self._supervisord.run_once(
            replace(program, name="web-trial", argv=(*program.argv[:-1], "--check-config", program.argv[-1]))
        )
        master = self._supervisord.state(WEB.name).pid
        old = children_of(master)
        for ended in range(1, len(old) + 1):
            known = children_of(master)
            os.kill(master, signal.SIGTTIN)
            self._wait_until(partial(self._ask_more, master, known))
            os.kill(master, signal.SIGTTOU)
            self._wait_until(partial(_ask_fewer, old, len(old) - ended))

    def _ask_more(self, master: int, known: frozenset[int]) -> None:
        if not any(self._sign(f"{WEB.name}-{pid}").exists() for pid in children_of(master) - known):
            raise NotReady("no new worker of the front API is at work yet")

    def _wait_until(self, question: Question) -> None:
        wait_until(question, READY_WITHIN_S, self._supervisord.raise_if_fatal)

    def _migrate(self) -> None:
        self._say("migrating the databases …")
        relay = self._supervisord.program("relay")
        self._supervisord.run_once(replace(relay, name=MIGRATE.name, argv=(relay.argv[0], *MIGRATE.command)))

    def _sign(self, name: str) -> Path:
        return self._data.run / "heartbeat" / f"{name}.ready"

    @contextmanager
    def _only_one(self) -> Iterator[None]:
        with (self._data.run / "restart.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LocalError("another `pranala restart` is at it already: wait for its end.") from error
            yield


def stand_in_of(program: Program) -> Program:
    """The same program under a name of its own, to supervisord, to Celery and in its logs."""
    name = f"{program.name}-{STAND_IN}"
    argv = tuple(f"{name}@%h" if word == f"{program.name}@%h" else word for word in program.argv)
    return replace(program, name=name, argv=argv, env={**program.env, "PRANALA_SERVICE_NAME": name}, start_retries=0)


def children_of(pid: int) -> frozenset[int]:
    """The processes that this one has started and that have not ended."""
    found = set()
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and _parent_of(process) == pid:
            found.add(int(process.name))
    return frozenset(found)


def _parent_of(process: Path) -> int:
    try:
        status, parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return 0
    return 0 if status == "Z" else int(parent)


def _ask_fewer(old: frozenset[int], most: int) -> None:
    left = sum(Path("/proc", str(pid)).exists() for pid in old)
    if left > most:
        raise NotReady(f"{left} old workers of the front API have not ended yet")
