"""What a check is asked and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tasks.links.options import CheckOptions, HostLimits
from tasks.links.verdict import Judgement, Permanence, Reason, Verdict


@dataclass(frozen=True, slots=True)
class Target:
    """What to check; `full` asks for the page itself by GET, as a confirmation must.

    `limits` are those of the URL's own host. Where targets of one host differ in them, the strictest hold. `waited`
    says that it was put back before. `elsewhere` says what headers a redirect's request to another host carries, with
    that host's secrets or without.
    """

    url: str
    full: bool = False
    options: CheckOptions | None = None
    limits: HostLimits | None = None
    waited: bool = False
    elsewhere: Callable[[str, bool], Mapping[str, str]] | None = None


# Not frozen, as there is one for every check: to set the fields of a frozen dataclass takes three times as long.
@dataclass(slots=True)
class Hop:
    """One request of the chain that gave the verdict; no status where no answer came, no IP where none was reached."""

    url: str
    status: int | None
    ip: str | None


@dataclass(slots=True)  # as Hop
class Result:
    """The outcome of a check.

    `status_code` is that of the last response and `final_url` the last URL asked for. `suggested_url` is a
    better one to link to, such as the end of a permanent redirect. `methods` are those tried, in order; `attempts`
    counts the first try and its repetitions. `timings_ms` has the phases dns, connect, tls and ttfb of the last
    request, and the total of all requests. `bytes_read` counts bodies as sent. `retry_after_s` is how long the server
    asked to be left alone.
    `wait_s`, where it is set, is how long until the host may be asked again: the check was untimely. Where `paced`, the
    host has nothing against it, and there are only many links before this one.
    """

    verdict: Verdict
    reason: Reason
    permanence: Permanence | None
    status_code: int | None
    final_url: str | None
    suggested_url: str | None
    hops: tuple[Hop, ...]
    methods: tuple[str, ...]
    attempts: int
    timings_ms: dict[str, float]
    tls_not_after: datetime | None
    bytes_read: int
    retry_after_s: float | None
    started_at: datetime
    finished_at: datetime
    detail: str
    wait_s: float | None = None
    paced: bool = False

    @property
    def judgement(self) -> Judgement:
        return Judgement(self.verdict, self.reason, self.permanence)
