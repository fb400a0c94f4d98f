"""robots.txt: which URLs a host asks robots to leave alone, and how slowly to go about the rest."""

from __future__ import annotations

from dataclasses import dataclass

from protego import Protego

from tasks.links.page import Page
from tasks.links.question import Question
from tasks.links.result import Result

LONGEST_CRAWL_DELAY_S = 60.0
# What RFC 9309 wants to be read at least.
LONGEST = 512_000


@dataclass(frozen=True, slots=True)
class Robots:
    """A host's rules; none at all where it has no robots.txt, refuses it (401, 403), or fails to send it."""

    rules: Protego | None = None

    def allows(self, url: str, agent: str) -> bool:
        return self.rules is None or bool(self.rules.can_fetch(url, agent))

    def crawl_delay_s(self, agent: str) -> float:
        """The seconds to leave between two requests, as far as we go along with it."""
        delay = self.rules.crawl_delay(agent) if self.rules else None
        return min(float(delay or 0), LONGEST_CRAWL_DELAY_S)


EVERYTHING = Robots()


def robots_of(url: str) -> Question:
    """Ask what the server of a normalised URL allows."""
    origin = "/".join(url.split("/", 3)[:3])
    return Question(f"robots {origin}", f"{origin}/robots.txt", read, EVERYTHING, robots=True)


def read(result: Result, page: Page | None) -> Robots:
    if page is None or result.status_code is None or not 200 <= result.status_code < 300:
        return EVERYTHING
    return Robots(Protego.parse(page.text[:LONGEST]))


def agent_of(user_agent: str) -> str:
    """Return the name that robots.txt knows a user agent by: its product, without the version."""
    return user_agent.partition("/")[0].strip()
