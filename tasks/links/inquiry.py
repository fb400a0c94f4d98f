"""The questions that are being asked of servers, and the checks that wait for their answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Generic, Protocol, TypeVar

import structlog

from tasks.links.check import Check, Limits
from tasks.links.memory import Memory
from tasks.links.options import HostLimits
from tasks.links.question import KEEP_FAILED_S, Answer, Question, understand
from tasks.links.result import Result, Target
from tasks.links.scrutiny import Rules

log = structlog.get_logger(__name__)

# Links wait for the answer, and none of that time counts to them.
LONGEST_S = 10.0

Waiting = TypeVar("Waiting")


class Recipient(Protocol):
    """Who gets the result of a check; True says that it was the last. Of `many` some can be put off."""

    many: bool

    def put(self, place: int, result: Result) -> bool: ...


class Inquiry:
    """Stands where a batch does, for a check of our own; what it learns is told to `answered`."""

    many = False

    def __init__(
        self,
        question: Question,
        limits: Limits,
        memory: Memory,
        rules: Rules,
        answered: Callable[[Answer], None],
        host_limits: HostLimits | None = None,
    ) -> None:
        modest = Rules(fragments=False, robots=rules.robots and not question.robots, agent=rules.agent)
        target = Target(question.url, full=True, limits=host_limits)
        self.check = Check(target, limits, memory, modest, keeps_page=True, headers=dict(question.headers))
        self._question = question
        self._answered = answered

    def put(self, _place: int, result: Result) -> bool:
        self._answered(self._understand(result))
        return False

    def _understand(self, result: Result) -> Answer:
        now = time.monotonic()
        try:
            return understand(self._question, result, self.check.page, now)
        except Exception:
            # Whatever a server sends, somebody waits for what it means.
            log.exception("answer_not_understood", question=self._question.about)
            return Answer(self._question.otherwise, now + KEEP_FAILED_S)


class Inquiries(Generic[Waiting]):
    """Asks each question once at a time. `ask` starts an inquiry, `tell` gives the answer to one that waited."""

    def __init__(
        self,
        memory: Memory,
        rules: Rules,
        timeout_s: float,
        ask: Callable[[Inquiry], None],
        tell: Callable[[Waiting, Answer], None],
    ) -> None:
        self._memory = memory
        self._rules = rules
        self._limits = Limits(min(timeout_s, LONGEST_S), retries=0, max_redirects=5)
        self._ask = ask
        self._tell = tell
        self._waiting: dict[Question, list[Waiting]] = {}

    def put(self, question: Question, waiting: Waiting, host_limits: HostLimits | None = None) -> None:
        """Have a question answered for somebody, from memory or by the one inquiry that is under way."""
        answer = self._memory.recall(question, time.monotonic())
        if answer is not None:
            self._tell(waiting, answer)
            return
        others = self._waiting.setdefault(question, [])
        others.append(waiting)
        if len(others) == 1:
            self._ask(self._inquiry(question, host_limits))

    def _inquiry(self, question: Question, host_limits: HostLimits | None) -> Inquiry:
        learn = partial(self._learn, question)
        return Inquiry(question, self._limits, self._memory, self._rules, learn, host_limits)

    def _learn(self, question: Question, answer: Answer) -> None:
        self._memory.learn(question, answer)
        for waiting in self._waiting.pop(question):
            self._tell(waiting, answer)
