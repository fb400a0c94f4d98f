"""Everything that is to be checked: each link once, with every place at which it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from ada_url import URL

from cli.local_files import Target
from cli.patterns import Patterns

Key = TypeVar("Key")


@dataclass
class Gathering:
    """Links for the server, and files for this machine, each with its places in the order in which they came."""

    patterns: Patterns = field(default_factory=Patterns)
    links: dict[str, list[str]] = field(default_factory=dict)
    files: dict[Target, list[str]] = field(default_factory=dict)
    excluded: int = 0
    repeated: int = 0

    def add_link(self, url: str, place: str) -> None:
        """Take a URL, or a text that the server will refuse by its place."""
        if not self.patterns.admit(url):
            self.excluded += 1
        else:
            self._add(self.links, normal(url), place)

    def add_file(self, target: Target, place: str) -> None:
        """Take a file of this machine that a document refers to."""
        if not self.patterns.admit(target.written):
            self.excluded += 1
        else:
            self._add(self.files, target, place)

    def places(self, url: str) -> list[str]:
        """Where a link stands."""
        return self.links.get(url, [])

    def _add(self, found: dict[Key, list[str]], key: Key, place: str) -> None:
        if key in found:
            self.repeated += 1
        places = found.setdefault(key, [])
        if place not in places:
            places.append(place)


def normal(text: str) -> str:
    """The URL as the server will write it, or the text itself where it is none."""
    try:
        url = URL(text.strip())
    except ValueError:
        return text
    return text if url.username or url.password else str(url.href)
