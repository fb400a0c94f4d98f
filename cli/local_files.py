"""Files of this machine that documents refer to: is it there, and is the heading in it?"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from cli.documents.kinds import ANCHORS, kind_of

# What GitHub and browsers understand without such a heading.
ALWAYS_THERE = {"", "top"}


@dataclass(frozen=True)
class Target:
    """A file or directory, and the fragment after it. `written` is how the document names it."""

    path: Path
    fragment: str
    written: str


@dataclass(frozen=True)
class Finding:
    """What came of a target, in the words of the API."""

    target: Target
    verdict: str
    reason: str
    detail: str = ""


def target_of(reference: str, document: Path, root: Path) -> Target:
    """The file that a relative reference means; one that begins with / is below the root."""
    before, _, fragment = reference.partition("#")
    name = unquote(before.partition("?")[0])
    path = document if not name else root / name.lstrip("/") if name.startswith("/") else document.parent / name
    return Target(Path(os.path.normpath(path)), unquote(fragment), reference)


def look(target: Target, suffixes: tuple[str, ...] = ()) -> Finding:
    """Judge a target. `suffixes` are tried after a name that is not there."""
    found = _there(target.path, suffixes)
    if found is None:
        return Finding(target, "broken", "file_missing", f"{target.path} is not there")
    if target.fragment.lower() in ALWAYS_THERE or target.fragment.startswith(":~:"):
        return Finding(target, "ok", "ok")
    anchors = _anchors(found)
    if anchors is None or target.fragment in anchors or target.fragment.lower() in anchors:
        return Finding(target, "ok", "ok")
    return Finding(target, "degraded", "fragment_missing", f"{found} has no #{target.fragment}")


def _there(path: Path, suffixes: tuple[str, ...]) -> Path | None:
    tried = [path, *(path.with_name(f"{path.name}{suffix}") for suffix in suffixes if path.name)]
    try:
        return next((each for each in tried if each.exists()), None)
    except (OSError, ValueError):
        # A name that is too long, or holds a NUL.
        return None


@cache
def _anchors(path: Path) -> set[str] | None:
    """The names in a document, or nothing where its kind has none that we can read."""
    read = ANCHORS.get(kind_of(path))
    if read is None or not path.is_file():
        return None
    try:
        return read(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
