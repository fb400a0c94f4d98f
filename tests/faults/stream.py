"""A steady stream of requests over kept connections, as many clients would send it; every answer is counted."""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Self
from urllib.parse import urlsplit

PATIENCE_S = 60.0


@dataclass(frozen=True)
class Answer:
    """`status` is 0 where there was none, and `body` then says why; `at` and `took_s` are of one monotonic clock."""

    method: str
    path: str
    at: float
    took_s: float
    status: int
    body: bytes

    @property
    def fine(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Question:
    method: str
    path: str
    body: object = None


class Stream:
    """Asks `question(n)` for n = 0, 1, … at `rate` a second in all, by `clients` with a connection each.

    A client that is late does not make up for it: `reached` says what the rate was in truth. Nothing is tried again.
    """

    def __init__(
        self, url: str, key: str, question: Callable[[int], Question], rate: float = 50.0, clients: int = 24
    ) -> None:
        self.answers: list[Answer] = []
        self._address = urlsplit(url).netloc
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._question = question
        self._pause_s = clients / rate
        self._lock = threading.Lock()
        self._number = 0
        self._ended = threading.Event()
        self._began = self._stopped = 0.0
        self._threads = [threading.Thread(target=self._ask_on, args=(turn / rate,)) for turn in range(clients)]

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._stopped = time.monotonic()

    @property
    def reached(self) -> float:
        """Answers a second."""
        return len(self.answers) / (self._stopped - self._began)

    @property
    def failed(self) -> list[Answer]:
        return [each for each in self.answers if not each.fine]

    def accepted(self) -> list[dict[str, str]]:
        """What was said of each accepted submission."""
        return [json.loads(each.body) for each in self.answers if each.method == "POST" and each.status == 202]

    def median_s(self, method: str, since: float = 0.0, until: float = float("inf")) -> float:
        """How long an answer to this method took that was asked for between two times."""
        took = [each.took_s for each in self.answers if each.method == method and since <= each.at < until]
        return statistics.median(took) if took else 0.0

    def _ask_on(self, after_s: float) -> None:
        connection = HTTPConnection(self._address, timeout=PATIENCE_S)
        due = self._began + after_s
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            self.answers.append(self._ask(connection))
            due = max(due + self._pause_s, time.monotonic())
        connection.close()

    def _ask(self, connection: HTTPConnection) -> Answer:
        with self._lock:
            question = self._question(self._number)
            self._number += 1
        began = time.monotonic()
        status, body = self._exchange(connection, question)
        return Answer(question.method, question.path, began, time.monotonic() - began, status, body)

    def _exchange(self, connection: HTTPConnection, question: Question) -> tuple[int, bytes]:
        body = None if question.body is None else json.dumps(question.body).encode()
        try:
            connection.request(question.method, question.path, body, self._headers)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, HTTPException) as error:
            connection.close()
            return 0, repr(error).encode()


def mixed(url_of: Callable[[int], str], reads: Sequence[str]) -> Callable[[int], Question]:
    """As clients do: after a link of its own each of the reads in turn, and so on."""

    def question(number: int) -> Question:
        place = number % (len(reads) + 1)
        if place:
            return Question("GET", reads[place - 1])
        return Question("POST", "/api/v1/links", {"url": url_of(number)})

    return question
