"""The life of a link: which state a check moves it to, and when somebody is told."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from itertools import pairwise

from tasks.links.verdict import Judgement, Permanence, Verdict


class State(StrEnum):
    PENDING = "pending"
    UP = "up"
    DEGRADED = "degraded"
    FAILING = "failing"
    BROKEN = "broken"
    RECOVERING = "recovering"
    UNVERIFIABLE = "unverifiable"


class Announcement(StrEnum):
    BROKE = "broke"
    RECOVERED = "recovered"
    UNVERIFIABLE = "unverifiable"


class Moment(StrEnum):
    """What an incident's timeline is made of."""

    FIRST_FAILURE = "first_failure"
    CONFIRMATION = "confirmation"
    OPENED = "opened"
    ACKNOWLEDGED = "acknowledged"
    RECOVERING = "recovering"
    RELAPSED = "relapsed"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class ConfirmRules:
    """How sure to be before anybody is told.

    A link breaks after `hard` hard failures or `transient` transient ones in a row, the last by a full GET and
    at least `min_confirm_s` after the first. In a mixed row each kind counts for its own rule, and the row as a
    whole for the stricter of the two. Confirmations are due `offsets_s` after the first failure, ascending.
    """

    hard: int = 2
    transient: int = 3
    min_confirm_s: float = 300
    offsets_s: tuple[float, ...] = (60, 300, 900)
    recover_ok: int = 2
    unverifiable_after: int = 10
    unverifiable_s: float = 7 * 86_400

    def __post_init__(self) -> None:
        if min(self.hard, self.transient, self.recover_ok, self.unverifiable_after) < 1:
            raise ValueError("confirmation counts must be at least 1")
        if any(later <= earlier for earlier, later in pairwise((0, *self.offsets_s))):
            raise ValueError("confirmation offsets must be positive and ascending")


@dataclass(frozen=True, slots=True)
class Standing:
    """What is remembered of a link between checks.

    `failures` and `hard_failures` count the broken checks of the present row; `failing_since` is its first and
    the start of the incident that may come of it; `ok_streak` and `ok_since` are the good checks since the
    incident's last bad one; `inconclusive_streak` and `inconclusive_since` the checks in a row that could not tell.
    """

    state: State = State.PENDING
    failures: int = 0
    hard_failures: int = 0
    failing_since: datetime | None = None
    ok_streak: int = 0
    ok_since: datetime | None = None
    inconclusive_streak: int = 0
    inconclusive_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What a check does to a link.

    `confirm_after_s` is when the next check, a full GET, should come, counted from this one; None leaves it to
    the link's interval. Jitter must only ever add to it. `incident_started_at` is set while an incident is open and
    on the step that closes it; that one also has `incident_ended_at`, the first good check.
    """

    standing: Standing
    changed: bool = False
    announce: Announcement | None = None
    confirm_after_s: float | None = None
    incident_started_at: datetime | None = None
    incident_ended_at: datetime | None = None


def advance(
    standing: Standing, judgement: Judgement, at: datetime, full: bool, rules: ConfirmRules = ConfirmRules()
) -> Step:
    """Apply one check to a link's standing.

    `at` is the time of the check, later than that of the one before; `full` says that its verdict rests on a
    GET.
    """
    if judgement.verdict is Verdict.SKIPPED:
        return _unchanged(standing, at, rules)
    if judgement.verdict is Verdict.INCONCLUSIVE:
        return _cannot_tell(standing, at, rules)
    known = (
        replace(standing, inconclusive_streak=0, inconclusive_since=None) if standing.inconclusive_streak else standing
    )
    if judgement.verdict is Verdict.BROKEN:
        return _failed(known, judgement.permanence is Permanence.HARD, at, full, rules)
    alive = State.UP if judgement.verdict is Verdict.OK else State.DEGRADED
    return _succeeded(known, alive, at, rules)


def _unchanged(standing: Standing, at: datetime, rules: ConfirmRules) -> Step:
    return Step(
        standing,
        confirm_after_s=_next_check_s(standing, at, rules),
        incident_started_at=_open_incident(standing),
    )


def _cannot_tell(standing: Standing, at: datetime, rules: ConfirmRules) -> Step:
    since = standing.inconclusive_since or at
    streak = standing.inconclusive_streak + 1
    counted = replace(standing, inconclusive_streak=streak, inconclusive_since=since)
    patient = streak < rules.unverifiable_after and _elapsed_s(since, at) < rules.unverifiable_s
    # An open incident stays open: not knowing is no recovery.
    if patient or standing.state in (State.BROKEN, State.RECOVERING, State.UNVERIFIABLE):
        return _unchanged(counted, at, rules)
    given_up = replace(counted, state=State.UNVERIFIABLE, failures=0, hard_failures=0, failing_since=None)
    return Step(given_up, changed=True, announce=Announcement.UNVERIFIABLE)


def _failed(standing: Standing, hard: bool, at: datetime, full: bool, rules: ConfirmRules) -> Step:
    if standing.state is State.BROKEN:
        return Step(standing, incident_started_at=standing.failing_since)
    if standing.state is State.RECOVERING:
        relapsed = replace(standing, state=State.BROKEN, ok_streak=0, ok_since=None)
        return Step(relapsed, changed=True, incident_started_at=standing.failing_since)
    counted = replace(
        standing,
        state=State.FAILING,
        failures=standing.failures + 1,
        hard_failures=standing.hard_failures + hard,
        failing_since=standing.failing_since or at,
    )
    if full and is_confirmed(counted, at, rules):
        broken = replace(counted, state=State.BROKEN)
        return Step(broken, True, Announcement.BROKE, incident_started_at=counted.failing_since)
    changed = standing.state is not State.FAILING
    return Step(counted, changed, confirm_after_s=_next_check_s(counted, at, rules))


def _succeeded(standing: Standing, alive: State, at: datetime, rules: ConfirmRules) -> Step:
    if standing.state not in (State.BROKEN, State.RECOVERING):
        return _settled(alive, standing.state is not alive)
    streak, since = standing.ok_streak + 1, standing.ok_since or at
    if streak >= rules.recover_ok:
        return Step(
            Standing(state=alive),
            changed=True,
            announce=Announcement.RECOVERED,
            incident_started_at=standing.failing_since,
            incident_ended_at=since,
        )
    better = replace(standing, state=State.RECOVERING, ok_streak=streak, ok_since=since)
    changed = standing.state is not State.RECOVERING
    return replace(_unchanged(better, at, rules), changed=changed)


@cache
def _settled(alive: State, changed: bool) -> Step:
    """What nearly every check comes to: the link works, and nobody doubted it."""
    return Step(Standing(state=alive), changed=changed)


def is_confirmed(standing: Standing, at: datetime, rules: ConfirmRules) -> bool:
    """Has the present row of failures lasted long enough, in checks and in time?"""
    if standing.failing_since is None or _elapsed_s(standing.failing_since, at) < rules.min_confirm_s:
        return False
    return (
        standing.hard_failures >= rules.hard
        or standing.failures - standing.hard_failures >= rules.transient
        or standing.failures >= max(rules.hard, rules.transient)
    )


def _next_check_s(standing: Standing, at: datetime, rules: ConfirmRules) -> float | None:
    if not rules.offsets_s:
        return None
    if standing.state is State.RECOVERING:
        return rules.offsets_s[0]
    if standing.state is not State.FAILING:
        return None
    if standing.failing_since is None:
        # A row of failures that was taken apart.
        return rules.offsets_s[0]
    if standing.failures > len(rules.offsets_s):
        return rules.offsets_s[-1]
    due_s = rules.offsets_s[standing.failures - 1] - _elapsed_s(standing.failing_since, at)
    # A confirmation that comes late must not make the next one follow at once.
    return max(due_s, rules.offsets_s[0])


def _open_incident(standing: Standing) -> datetime | None:
    return standing.failing_since if standing.state in (State.BROKEN, State.RECOVERING) else None


def _elapsed_s(since: datetime, at: datetime) -> float:
    return (at - since) / timedelta(seconds=1)
