"""Links of one page, which differ in their fragments alone: one fetches the page, and the others follow its trail.

A follower is told what its leader was told, and makes of it what it would have made of it alone. Where it would have
gone another way than its leader, the trail ends for it, and it goes on by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tasks.links.check import Check
from tasks.links.page import Page
from tasks.links.question import Question
from tasks.links.resolve import Answer
from tasks.links.result import Result, Target
from tasks.links.transfer import Response


@dataclass(slots=True)
class Step:
    """What a leader was told, and where it stood; nowhere, where what it was told ends a check anyhow."""

    tell: Callable[[Check, Any], object]
    told: Any
    stand: tuple[Question | None, str, str] | None
    method: str
    dns_ms: float
    begun_at: datetime | None


class Fellow(Check):
    """The check of a link that may share its page with others; as any, until it leads or follows."""

    _trail: list[Step] | None = None
    _leader: Fellow | None = None
    # The last page that was read, and from what: to take one apart costs more than all else.
    _read_from: Response | None = None
    _read_page_of: Page | None = None

    @property
    def need(self) -> tuple[bool, bool]:
        """How much it wants of the page; of some, redirects decide."""
        return self._wants_page, "#" in self.url

    def lead(self) -> None:
        """Leave a trail."""
        self._trail = []

    def follow(self, leader: Fellow) -> None:
        """Go where the leader went, which has its result; without a result of its own after it, there is more to do."""
        if self.result is not None:
            return
        self._leader = leader
        if leader._wants_page and not self._wants_page:
            self._wants_page = True
            self._aim(self._start)
        for step in leader._trail or ():
            if self.result is not None or not self._take(step):
                break
        self._leader = None

    def disband(self) -> None:
        """Let go of what followers needed."""
        self._trail = self._read_from = self._read_page_of = None

    def answered(self, response: Response) -> float | None:
        self._note(Check.answered, response)
        return super().answered(response)

    def unresolved(self, answer: Answer) -> float | None:
        self.begin()
        self._note(Check.unresolved, answer)
        return super().unresolved(answer)

    def informed(self, meaning: Any) -> float | None:
        self._note(Check.informed, meaning)
        return super().informed(meaning)

    def fail(self, detail: str) -> Result:
        self._note(Check.fail, detail, anywhere=True)
        return super().fail(detail)

    def put_off(self, detail: str) -> Result:
        self._note(Check.put_off, detail, anywhere=True)
        return super().put_off(detail)

    def _note(self, tell: Callable[[Any, Any], object], told: Any, anywhere: bool = False) -> None:
        if self._trail is not None:
            stand = None if anywhere else self._stand()
            self._trail.append(Step(tell, told, stand, self.method, self.dns_ms, self._started_at))

    def _stand(self) -> tuple[Question | None, str, str]:
        return self.question, self.method, self.url.partition("#")[0]

    def _take(self, step: Step) -> bool:
        """Take a step of the leader's, if it begins where this one stands."""
        if step.method and not self.method:
            self._started_at = step.begun_at
            self._use(step.method)
        if step.stand is not None and step.stand != self._stand():
            return False
        self.dns_ms = step.dns_ms
        step.tell(self, step.told)
        return True

    def _read_page(self) -> Page | None:
        if self._leader is not None and self._leader._read_from is self._response:
            return self._leader._read_page_of
        page = super()._read_page()
        if self._trail is not None and page is not None:
            self._read_from, self._read_page_of = self._response, page
        return page


def groups(targets: Sequence[Target]) -> list[list[int]]:
    """The places of targets that are one page, all else being equal; only where there are several of it."""
    with_fragment = {page for page, sharp, _ in (target.url.partition("#") for target in targets) if sharp}
    found: dict[Target, list[int]] = {}
    for place, target in enumerate(targets):
        page = target.url.partition("#")[0]
        if page in with_fragment and page.startswith(("http:", "https:")):
            found.setdefault(replace(target, url=page), []).append(place)
    return [places for places in found.values() if len(places) > 1]


def as_untimely(own: Result, leading: Result) -> Result:
    """A follower's result: what its host asked of the leader, it asks of all of them, and they stay together."""
    if leading.wait_s is None or own.reason is not leading.reason:
        return own
    return replace(own, wait_s=leading.wait_s, paced=leading.paced)
