"""What checks learn about servers for those that come after."""

from __future__ import annotations

from datetime import datetime

from tasks.links.question import Answer, Question

Address = tuple[str, int]

# Servers beyond these are forgotten, the oldest first.
REMEMBERED = 10_000
# Answers are larger: the rules of a robots.txt, the words of a page.
REMEMBERED_ANSWERS = 5_000


class Memory:
    """By host and port: whose HEAD lies, and when whose certificate ends. By question: what the answer was."""

    def __init__(self) -> None:
        self._liars: dict[Address, None] = {}
        self._not_after: dict[Address, datetime] = {}
        self._answers: dict[Question, Answer] = {}

    def head_lies(self, address: Address) -> bool:
        return address in self._liars

    def remember_lie(self, address: Address) -> None:
        if len(self._liars) >= REMEMBERED:
            del self._liars[next(iter(self._liars))]
        self._liars[address] = None

    def certificate_end(self, address: Address, seen: datetime | None) -> datetime | None:
        """The end of a server's certificate: as seen now, or else when the connection in use was opened."""
        if seen is None:
            return self._not_after.get(address)
        if len(self._not_after) >= REMEMBERED:
            del self._not_after[next(iter(self._not_after))]
        self._not_after[address] = seen
        return seen

    def recall(self, question: Question, now: float) -> Answer | None:
        """The answer to a question, while it is to be believed."""
        answer = self._answers.get(question)
        return answer if answer is not None and answer.expires_at > now else None

    def learn(self, question: Question, answer: Answer) -> None:
        if len(self._answers) >= REMEMBERED_ANSWERS:
            del self._answers[next(iter(self._answers))]
        self._answers[question] = answer
