"""Maintenance windows: when they are open, and over which links."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from tasks.links.models import Window

FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "WKST")
LONGEST = timedelta(days=31)
# No zone puts its clock back by more in one night.
PUT_BACK = timedelta(hours=3)
MONTH_DAYS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


class InvalidWindow(ValueError):
    """A window cannot be as asked. The message names the field and says what to write instead."""


@dataclass(frozen=True, slots=True)
class Times:
    """When a window is open. `rrule` is reckoned on the clock of `timezone`, so that it follows summer time."""

    starts_at: datetime
    duration_s: int
    rrule: str = ""
    timezone: str = "UTC"

    def is_open(self, at: datetime) -> bool:
        """Is it open then?"""
        begun = self._latest_start(at)
        return begun is not None and at < begun + timedelta(seconds=self.duration_s)

    def starts(self, since: datetime, until: datetime) -> list[datetime]:
        """When it opened, of all the times at which it was open after `since` and opened by `until`."""
        lasts = timedelta(seconds=self.duration_s)
        if not self.rrule:
            begun = [self.starts_at]
        else:
            zone = ZoneInfo(self.timezone)
            rule = rrulestr(self.rrule, dtstart=_clock(self.starts_at, zone))
            on_clock = rule.between(_clock(since - lasts, zone) - PUT_BACK, _clock(until, zone) + PUT_BACK, inc=True)
            begun = [each.replace(tzinfo=zone).astimezone(UTC) for each in on_clock]
        return [start for start in begun if start <= until and start + lasts > since]

    def _latest_start(self, at: datetime) -> datetime | None:
        if not self.rrule:
            return self.starts_at if self.starts_at <= at else None
        zone = ZoneInfo(self.timezone)
        rule = rrulestr(self.rrule, dtstart=_clock(self.starts_at, zone))
        # A clock that was put back shows an earlier time than that of a start which has been.
        start = rule.before(_clock(at, zone) + PUT_BACK, inc=True)
        while start and start.replace(tzinfo=zone) > at:
            start = rule.before(start)
        return start.replace(tzinfo=zone).astimezone(UTC) if start else None


@dataclass(frozen=True, slots=True)
class Scope:
    """Which links: of a host, with a tag, both, or all of the workspace."""

    host: str | None
    tag: str | None

    def covers(self, host: str, tags: Collection[str]) -> bool:
        """Does a link belong to it?"""
        return self.host in (None, host) and (self.tag is None or self.tag in tags)


def open_at(session: Session, workspace_id: uuid.UUID, at: datetime) -> list[Scope]:
    """What is under maintenance then."""
    # One that happens once is over for good when the longest is.
    may_be = or_(Window.rrule != "", Window.starts_at > at - LONGEST)
    query = select(Window).where(Window.workspace_id == workspace_id, Window.starts_at <= at, may_be)
    return [Scope(each.host, each.tag) for each in session.scalars(query) if times_of(each).is_open(at)]


def times_of(window: Window) -> Times:
    """When this window is open."""
    return Times(window.starts_at, window.duration_s, window.rrule, window.timezone)


def check(times: Times) -> None:
    """Refuse what could never be open, or only be reckoned for ever. Raises `InvalidWindow`."""
    if not 1 <= times.duration_s <= LONGEST.total_seconds():
        raise InvalidWindow(f"duration_s: must be from 1 to {LONGEST.total_seconds():.0f}")
    try:
        zone = ZoneInfo(times.timezone)
    except (ValueError, OSError, KeyError) as error:
        raise InvalidWindow("timezone: not a time zone such as Europe/Berlin") from error
    if times.rrule:
        _check_rule(times.rrule, _clock(times.starts_at, zone))


def _check_rule(text: str, start: datetime) -> None:
    parts = dict(_part(each) for each in text.split(";"))
    if unknown := [name for name in parts if name not in PARTS]:
        raise InvalidWindow(f"rrule: {unknown[0]} is not taken; use {', '.join(PARTS)}")
    if parts.get("FREQ") not in FREQUENCIES:
        raise InvalidWindow(f"rrule: FREQ must be one of {', '.join(FREQUENCIES)}")
    if not parts.get("INTERVAL", "1").isdigit() or int(parts.get("INTERVAL", "1")) < 1:
        raise InvalidWindow("rrule: INTERVAL is a number of at least 1")
    _check_days(parts)
    try:
        first = next(iter(rrulestr(text, dtstart=start)), None)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidWindow(f"rrule: {error}") from error
    if first is None:
        raise InvalidWindow("rrule: it never happens")


def _part(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not (found and name.isupper() and value and value.isascii()):
        raise InvalidWindow("rrule: write it as FREQ=WEEKLY;BYDAY=SU, without RRULE: or DTSTART")
    return name, value


def _check_days(parts: dict[str, str]) -> None:
    """A day that none of its months has would be looked for until the end of time."""
    try:
        months = [int(each) for each in parts.get("BYMONTH", "1").split(",")]
        days = [abs(int(each)) for each in parts.get("BYMONTHDAY", "1").split(",")]
    except ValueError as error:
        raise InvalidWindow("rrule: BYMONTH and BYMONTHDAY are numbers") from error
    if min(days) > max(MONTH_DAYS.get(month, 31) for month in months):
        raise InvalidWindow("rrule: it never happens")


def _clock(at: datetime, zone: ZoneInfo) -> datetime:
    """What the clock on that zone's wall shows."""
    return at.astimezone(zone).replace(tzinfo=None)
