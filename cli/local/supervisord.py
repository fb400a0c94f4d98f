"""Keeps programs running: one supervisord of our own, driven over its private socket."""

import http.client
import os
import shlex
import signal
import subprocess
import sys
import xmlrpc.client
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from cli.local.data import DataDir
from cli.local.errors import LocalError, NotReady
from cli.local.program import Program, write_private
from cli.local.readiness import wait_until
from cli.local.unix_rpc import UnixTransport

LAST_LINES = 15
ONCE_WITHIN_S = 180

# Paths are relative to the data directory, where supervisord runs: one with a blank, a semicolon or a
# percent sign in it would not survive the settings' syntax.
MAIN = """\
[supervisord]
nodaemon=true
silent=true
{user}
minfds=256
logfile=log/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
pidfile=run/supervisord.pid
childlogdir=log
[unix_http_server]
file={socket}
chmod=0600
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

GROUP = """\
[group:{name}]
programs={programs}
priority={priority}
"""

PROGRAM = """\
[program:{name}]
command={command}
autostart=false
autorestart={restart}
startsecs={start_s}
startretries={start_retries}
stopsignal={stop_signal}
stopwaitsecs={stop_wait_s}
killasgroup=true
redirect_stderr=true
stdout_logfile=log/{name}.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=2
"""


@dataclass(frozen=True)
class State:
    """`status` is supervisord's word: STOPPED STARTING RUNNING BACKOFF STOPPING EXITED FATAL UNKNOWN."""

    name: str
    group: str
    status: str
    pid: int
    description: str


class Supervisord:
    """A context manager: leaving it stops every program, those of the last group added first."""

    def __init__(self, data: DataDir, lock: IO[str] | None = None) -> None:
        self._data = data
        self._lock = lock
        self._groups: dict[str, tuple[Program, ...]] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._rpc = xmlrpc.client.ServerProxy("http://127.0.0.1", UnixTransport(data.socket))

    def __enter__(self) -> Self:
        self.launch()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shut_down()

    def launch(self) -> None:
        """Start supervisord in a session of its own, so that Ctrl-C reaches the launcher only.

        Its parent-death signal is tied to the calling thread: call this from one that lives on.
        """
        self._clear()
        self._write_settings()
        program = Program(
            name="supervisord",
            argv=(sys.executable, "-m", "supervisor.supervisord", "-c", str(self._settings)),
            env=dict(os.environ),
            cwd=self._data.root,
            adopts=True,
        )
        with (self._data.run / "supervisord.out").open("wb") as output:
            # The lock is its stdin: a launcher killed outright leaves the directory held until all is stopped.
            self._process = subprocess.Popen(
                program.write(self._programs, parent=os.getpid()),
                stdin=self._lock or subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._pid = self._process.pid
        wait_until(self._ask, 20, self._raise_if_gone)

    def attach(self) -> Self:
        """Drive the supervisord that another process has launched on this directory, and leave it running."""
        try:
            self._pid = self._call("getPID")
            states = self.states()
        except OSError as error:
            raise LocalError(f"supervisord does not answer at {self._data.socket}: {error}") from error
        for state in states:
            program = Program.read(self._programs, state.name)
            self._groups[state.group] = (*self._groups.get(state.group, ()), program)
        return self

    def knows(self, group: str) -> bool:
        return group in self._groups

    def program(self, name: str) -> Program:
        """What was asked to be run under this name."""
        for group in self._groups.values():
            for program in group:
                if program.name == name:
                    return program
        raise LocalError(f"no program is called {name}")

    def add(self, name: str, programs: Iterable[Program]) -> None:
        """Make a group of programs known; nothing is started."""
        group = tuple(programs)
        self._groups[name] = group
        self._write_settings()
        self._call("reloadConfig")
        self._call("addProcessGroup", name)

    def remove(self, name: str) -> None:
        """Stop a group of programs and forget it."""
        self.stop(*(program.name for program in self._groups[name]))
        self._call("removeProcessGroup", name)
        del self._groups[name]
        self._write_settings()
        self._call("reloadConfig")

    def start(self, *names: str) -> None:
        """Have these programs started; returns at once. One that runs already is left alone."""
        for name in names:
            self._call_unless("ALREADY_STARTED", "startProcess", self._full(name), False)

    def stop(self, *names: str, within_s: float = 30) -> None:
        """Stop these programs together, as their settings say, and wait until they are gone."""
        for name in names:
            self._call_unless("NOT_RUNNING", "stopProcess", self._full(name), False)
        wait_until(lambda: self._ask_down(names), within_s, self._raise_if_gone)

    def kill(self, name: str) -> None:
        """SIGKILL a program and its process group, and wait until supervisord has noticed.

        It comes back unless its `restart` is off.
        """
        pid = self.state(name).pid
        if not pid:
            raise LocalError(f"{name} does not run")
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            # Forked a moment ago, it does not lead a group of its own yet.
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self._ask_gone(name, pid), 10, self._raise_if_gone)
        if not self.program(name).restart:
            # One that had only just started would be tried again all the same.
            self.stop(name)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a program's process group."""
        os.killpg(self.state(name).pid, number)

    def state(self, name: str) -> State:
        return next(state for state in self.states() if state.name == name)

    def states(self) -> list[State]:
        return [_state(info) for info in self._call("getAllProcessInfo")]

    def raise_if_fatal(self) -> None:
        """Raise with the last log lines of a program of ours that does not stay up, if there is one."""
        self._raise_if_gone()
        for state in self.states():
            if state.status == "FATAL" and state.group in self._groups:
                raise LocalError(
                    f"{state.name} does not stay up ({state.description}). Its last lines:\n"
                    f"{self.last_lines(state.name)}\n(the whole log: {self.log_file(state.name)})"
                )

    def run_once(self, program: Program) -> str:
        """Run a program to its end, unsupervised; what it prints is returned, what it says on stderr goes to its log.

        Raises LocalError where that is no good end.
        """
        log = self.log_file(program.name)
        try:
            with log.open("ab") as errors:
                done = subprocess.run(
                    program.write(self._data.run, parent=os.getpid()),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    timeout=ONCE_WITHIN_S,
                    check=False,
                )
        except subprocess.TimeoutExpired as error:
            raise LocalError(f"{program.name} did not end within {ONCE_WITHIN_S} s; its log is {log}") from error
        finally:
            (self._data.run / f"{program.name}.json").unlink()
        if done.returncode != 0:
            lines = self.last_lines(program.name)
            raise LocalError(f"{program.name} failed (status {done.returncode}):\n{done.stdout}{lines}")
        return done.stdout

    def log_file(self, name: str) -> Path:
        return self._data.log / f"{name}.log"

    def last_lines(self, name: str, count: int = LAST_LINES) -> str:
        path = self.log_file(name)
        if not path.exists():
            return "  (no output)"
        lines = path.read_bytes()[-20000:].decode(errors="replace").splitlines()[-count:]
        return "\n".join(f"  {line}" for line in lines) or "  (no output)"

    def shut_down(self) -> None:
        """Stop the group added last, then all others together, then supervisord."""
        if self._process is None:
            return
        try:
            groups = list(self._groups.values())
            for stopping in (groups[-1:], groups):
                self.stop(*(program.name for group in stopping for program in group))
            self._call("shutdown")
        except (OSError, xmlrpc.client.Error, http.client.HTTPException, LocalError):
            pass  # supervisord is gone or stuck; what follows ends its programs all the same
        self._end()
        self._clear()
        if self._data.socket.parent != self._data.run:
            self._data.socket.parent.rmdir()

    def _end(self) -> None:
        assert self._process is not None
        for patience_s, number in ((5, signal.SIGTERM), (20, signal.SIGKILL)):
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(patience_s)
                break
            self._process.send_signal(number)
        self._process.wait()
        self._process = None
        self._groups = {}

    @property
    def _programs(self) -> Path:
        return self._data.run / "programs"

    @property
    def _settings(self) -> Path:
        return self._data.run / "supervisord.conf"

    def _clear(self) -> None:
        """No leftovers of a run that was killed, and no secrets on disk that nobody needs any more."""
        self._data.socket.unlink(missing_ok=True)
        self._programs.mkdir(mode=0o700, exist_ok=True)
        for path in self._programs.iterdir():
            path.unlink()

    def _write_settings(self) -> None:
        main = MAIN.format(
            user="user=root" if os.getuid() == 0 else "",
            socket=os.path.relpath(self._data.socket, self._data.root),
        )
        groups = [_group(name, number, group) for number, (name, group) in enumerate(self._groups.items(), 1)]
        programs = [self._section(program) for group in self._groups.values() for program in group]
        write_private(self._settings, "\n".join([main, *groups, *programs]))

    def _section(self, program: Program) -> str:
        command = program.write(self._programs, parent=self._pid)
        return PROGRAM.format(
            name=program.name,
            command=_command(command),
            restart=str(program.restart).lower(),
            start_s=program.start_s,
            start_retries=program.start_retries,
            stop_signal=program.stop_signal,
            stop_wait_s=program.stop_wait_s,
        )

    def _full(self, name: str) -> str:
        for group, programs in self._groups.items():
            if any(program.name == name for program in programs):
                return f"{group}:{name}"
        raise LocalError(f"no program is called {name}")

    def _call_unless(self, fault_name: str, method: str, *arguments: object) -> None:
        """Call; the fault that says that it is so already is no fault."""
        try:
            self._call(method, *arguments)
        except xmlrpc.client.Fault as fault:
            if fault_name not in fault.faultString:
                raise

    def _call(self, method: str, *arguments: object) -> Any:
        return getattr(self._rpc.supervisor, method)(*arguments)

    def _ask(self) -> None:
        try:
            self._call("getState")
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            raise NotReady(f"supervisord does not answer: {error}") from error

    def _ask_down(self, names: Sequence[str]) -> None:
        up = [state.name for state in self.states() if state.name in names and state.pid]
        if up:
            raise NotReady(f"still running: {', '.join(up)}")

    def _ask_gone(self, name: str, pid: int) -> None:
        if self.state(name).pid == pid:
            raise NotReady(f"{name} is still running")

    def _raise_if_gone(self) -> None:
        gone = self._process.poll() is not None if self._process else not Path("/proc", str(self._pid)).exists()
        if gone:
            output = self._data.run / "supervisord.out"
            raise LocalError(f"supervisord is gone: {output.read_text(errors='replace').strip()}")


def _state(info: dict[str, Any]) -> State:
    return State(
        name=info["name"],
        group=info["group"],
        status=info["statename"],
        pid=info["pid"],
        description=info["spawnerr"] or info["description"],
    )


def _group(name: str, number: int, programs: Sequence[Program]) -> str:
    return GROUP.format(name=name, programs=",".join(program.name for program in programs), priority=number)


def _command(words: Sequence[str]) -> str:
    """supervisord splits a command as a shell would, and expands `%(name)s` in it."""
    return shlex.join(words).replace("%", "%%")
