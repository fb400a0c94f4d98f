"""A program to run: its command line, its environment and how it ends."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True)
class Program:
    """`argv[0]` is an absolute path; `env` is the whole environment; `adopts` makes orphans below it its own."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = Path("/")
    stop_signal: str = "TERM"
    stop_wait_s: int = 4
    death_signal: str = "TERM"
    start_s: int = 1
    start_retries: int = 5
    restart: bool = True
    adopts: bool = False

    def write(self, folder: Path, parent: int) -> tuple[str, ...]:
        """Write the private description of this program; returns the command that `parent` is to run."""
        path = folder / f"{self.name}.json"
        write_private(path, json.dumps({**asdict(self), "env": dict(self.env)}, default=str))
        return (sys.executable, "-I", "-S", str(CHILD), str(path), str(parent))

    @classmethod
    def read(cls, folder: Path, name: str) -> Self:
        """The program that was described there."""
        words = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        return cls(**words | {"argv": tuple(words["argv"]), "cwd": Path(words["cwd"])})


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
