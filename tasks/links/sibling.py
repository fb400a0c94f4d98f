"""What a server answers to a page that cannot exist, which is how its "not found" looks when the status says 200."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from urllib.parse import unquote

from tasks.links.page import Page
from tasks.links.question import Question
from tasks.links.result import Result

# Of all words in two pages, so many must be in both.
ALIKE = 0.95
MOST_WORDS = 1000

_WORD = re.compile(r"[^\W\d_]+")
_HOME = re.compile(r"/([a-z]{2}([-_][a-z]{2})?/?)?((index|default|home)(\.\w+)?)?", re.IGNORECASE)
_EXTENSION = re.compile(r"\.[a-z0-9]{1,5}$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Face:
    """What two error pages of a server have in common: title and words, without the path and numbers they mention."""

    title: str
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sibling:
    """The answer to a random path: its status, where it ended, and the face of the page."""

    status: int
    final_url: str
    face: Face | None


ABSENT = Sibling(0, "", None)


def sibling_of(url: str) -> Question:
    """Ask for a random page beside that of a normalised URL, of the same form."""
    origin, path = split(url)
    directory, _, name = path.rstrip("/").rpartition("/")
    extension = _EXTENSION.search(name)
    ending = (extension[0] if extension else "") + ("/" if path.endswith("/") else "")
    place = f"{origin}{directory}/"
    return Question(f"sibling {place}*{ending}", f"{place}{uuid.uuid4().hex}{ending}", read, ABSENT)


def split(url: str) -> tuple[str, str]:
    """Return origin and path of a normalised http or https URL, without query and fragment."""
    bare = url.partition("#")[0].partition("?")[0]
    scheme, _, host, *path = bare.split("/", 3)
    return f"{scheme}//{host}", "/" + "".join(path)


def is_home(url: str) -> bool:
    """Is this a home page, of the site or of one of its languages?"""
    return _HOME.fullmatch(split(url)[1]) is not None


def read(result: Result, page: Page | None) -> Sibling:
    if page is None or result.status_code is None:
        return ABSENT
    asked = result.hops[0].url if result.hops else ""
    return Sibling(result.status_code, result.final_url or "", face_of(page, asked))


def face_of(page: Page, url: str) -> Face | None:
    """Return the face of a page; None where there is nothing to see, as where a script makes the page."""
    words = frozenset(_words(page.prose, url)) if page.is_html else frozenset()
    return Face(" ".join(_words(page.title, url)), words) if words else None


def _words(text: str, url: str) -> list[str]:
    path = split(url)[1]
    for mention in (path, unquote(path), path.rstrip("/").rpartition("/")[2]):
        text = text.replace(mention, " ") if len(mention) > 1 else text
    # A word with digits is a time, a number or an id, which differ from one page to the next.
    plain = (word for word in text.lower().split() if not any(sign.isdigit() for sign in word))
    return _WORD.findall(" ".join(plain))[:MOST_WORDS]


def are_alike(one: Face, other: Face) -> bool:
    both, either = len(one.words & other.words), len(one.words | other.words)
    return one.title == other.title and both >= ALIKE * either
