"""Where links come from: files, directories, patterns, standard input, pages and sitemaps."""

from __future__ import annotations

import glob
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from cli.documents.kinds import READERS, kind_of
from cli.documents.reference import Reference
from cli.gathering import Gathering
from cli.local_files import target_of

SKIPPED_DIRECTORIES = {"node_modules", "__pycache__", "venv", "site-packages"}
# Of all others nothing can be said from here.
CHECKED = ("http", "https")
GLOB_SIGNS = frozenset("*?[")

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")


class NoSuchSource(Exception):
    """There is no file of this name, and it is no URL."""


@dataclass(frozen=True)
class Reading:
    """How documents are read: `kind` is of those whose name says nothing, `base_url` resolves what is relative."""

    kind: str = ""
    base_url: str = ""
    root: Path = Path()
    verbatim: bool = False
    mail: bool = False


def is_url(argument: str) -> bool:
    """Whether an argument is a link itself and not the name of a file."""
    return bool(_SCHEME.match(argument)) and not Path(argument).exists()


def files_of(argument: str, kind: str = "") -> list[Path]:
    """The documents that an argument names: a file, all of a directory, or what a pattern matches."""
    path = Path(argument)
    if path.is_dir():
        return _below(path)
    if path.exists():
        return [path]
    if GLOB_SIGNS & set(argument):
        found = (Path(each) for each in sorted(glob.glob(argument, recursive=True)))
        return [each for each in found if each.is_file() and (kind or kind_of(each))]
    raise NoSuchSource(f"{argument}: there is no such file; a link is written in full, such as https://{argument}")


def read_list(gathering: Gathering, lines: Iterable[bytes], name: str) -> None:
    """A URL a line; empty lines and those that begin with # are passed over."""
    for number, line in enumerate(lines, 1):
        text = line.decode("utf-8-sig" if number == 1 else "utf-8", "replace").strip()
        if text and not text.startswith("#"):
            gathering.add_link(text, f"{name}:{number}")


def read_file(gathering: Gathering, path: Path, reading: Reading) -> None:
    """What a document of this machine refers to."""
    content = path.read_text(encoding="utf-8-sig", errors="replace")
    kind = kind_of(path) or reading.kind or "text"
    for reference in READERS[kind](content, reading.verbatim):
        _take(gathering, reference, str(path), path, reading)


def read_text(gathering: Gathering, content: str, name: str, reading: Reading) -> None:
    """What a text from elsewhere refers to; it lies nowhere, so nothing can be relative to it but a base URL."""
    for reference in READERS[reading.kind or "text"](content, reading.verbatim):
        _take(gathering, reference, name, None, reading)


def _take(gathering: Gathering, reference: Reference, name: str, path: Path | None, reading: Reading) -> None:
    target, place = reference.target.strip(), f"{name}:{reference.line}"
    if target.startswith("//"):
        target = f"https:{target}"
    if scheme := _SCHEME.match(target):
        if scheme[0][:-1].lower() in CHECKED or (reading.mail and scheme[0].lower() == "mailto:"):
            gathering.add_link(target, place)
    elif reading.base_url:
        gathering.add_link(_joined(reading.base_url, target), place)
    elif path is not None and target:
        gathering.add_file(target_of(target, path, reading.root), place)


def _joined(base_url: str, target: str) -> str:
    try:
        return urljoin(base_url, target)
    except ValueError:
        return target


def _below(directory: Path) -> list[Path]:
    found = [path for path in _walk(directory) if kind_of(path)]
    ignored = _ignored(directory, found)
    return [path for path in found if path not in ignored]


def _walk(directory: Path) -> Iterator[Path]:
    for parent, directories, files in os.walk(directory):
        kept = (name for name in directories if not name.startswith(".") and name not in SKIPPED_DIRECTORIES)
        directories[:] = sorted(kept)
        yield from (Path(parent, name) for name in sorted(files) if not name.startswith("."))


def _ignored(directory: Path, paths: list[Path]) -> set[Path]:
    """Those that git ignores, where there is git and a repository."""
    names = "\0".join(os.path.relpath(path, directory) for path in paths)
    try:
        told = subprocess.run(
            ["git", "-C", str(directory), "check-ignore", "-z", "--stdin"],
            input=names.encode(),
            capture_output=True,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return set()
    return {directory / name for name in told.stdout.decode(errors="replace").split("\0") if name}


def base_of(url: str) -> str:
    """A base URL, or a `ValueError`."""
    if urlsplit(url).scheme not in CHECKED or not urlsplit(url).hostname:
        raise ValueError(f"{url!r} is no http or https URL")
    return url
