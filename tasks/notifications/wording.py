"""What a message says: its title and body for people, its payload for programs."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import singledispatch
from typing import Any

import msgspec

from tasks import clock
from tasks.links.messages import (
    ChecksFrozen,
    HostBroke,
    HostRecovered,
    LinkBroke,
    LinkFlapping,
    LinkRecovered,
    LinkUnverifiable,
)
from tasks.notifications.messages import SendNotification
from tasks.notifications.reasons import explain
from tasks.wire import Event, Message

LONGEST_TITLE = 300
# Standard Webhooks: keep payloads under 20 kB.
LARGEST_PAYLOAD = 20_000

HOST_FOOTER = "You are told once when links of a host break together, and once when all of them work again."
FOOTER = "You are told once when a link breaks, and once when it works again."


@dataclass(frozen=True)
class Notice:
    """A message, the same for every channel.

    `subject` is link.broken, link.recovered, host.broken, host.recovered, link.flapping, link.unverifiable,
    checks.frozen or notification.
    """

    subject: str
    title: str
    body: str
    payload: str
    link_id: uuid.UUID | None = None


@singledispatch
def notice(message: Message) -> Notice:
    """What to tell people of `message`."""
    raise TypeError(f"nobody is told of a {type(message).__name__}")


@notice.register
def _(message: LinkBroke) -> Notice:
    explanation = explain(message.reason, message.status_code)
    lines = [
        message.url,
        f"has been broken since {_time(message.started_at)}.",
        "",
        f"Why: {explanation.why}",
        *([f"Seen: {message.detail}"] if message.detail else []),
        f"What to do: {explanation.remedy}",
        *([f"A copy of it: {message.archived_url}"] if message.archived_url else []),
        "",
        *_tags(message.tags),
        f"Link: {message.link_id}",
        f"Incident: {message.incident_id}",
        "",
        FOOTER,
    ]
    return _notice("link.broken", f"Broken link: {message.url}", lines, message.broke_at, message)


@notice.register
def _(message: LinkRecovered) -> Notice:
    lines = [
        message.url,
        f"works again since {_time(message.recovered_at)}.",
        "",
        f"It was broken for {_duration(message.duration_s)}, from {_time(message.started_at)}.",
        "There is nothing to do.",
        "",
        *_tags(message.tags),
        f"Link: {message.link_id}",
        f"Incident: {message.incident_id}",
        "",
        FOOTER,
    ]
    return _notice("link.recovered", f"Link works again: {message.url}", lines, message.recovered_at, message)


@notice.register
def _(message: HostBroke) -> Notice:
    explanation = explain(message.reason, None)
    more = message.links - len(message.urls)
    lines = [
        f"{_links(message.links)} of {message.host} broke together since {_time(message.started_at)}.",
        *([f"You heard before of {message.told_before}; there are many more by now."] if message.told_before else []),
        "",
        f"Why: {explanation.why}",
        *_causes(message.reasons),
        f"What to do: {explanation.remedy}",
        "",
        *message.urls,
        *([f"and {more:,} more"] if more > 0 else []),
        "",
        f"Incident group: {message.group_id}",
        "",
        HOST_FOOTER,
    ]
    title = f"{_links(message.links)} of {message.host} broke: {message.reason}"
    return _notice("host.broken", title, lines, message.at, message)


@notice.register
def _(message: HostRecovered) -> Notice:
    lines = [
        f"All {_links(message.links)} of {message.host} that broke together work again since"
        f" {_time(message.recovered_at)}.",
        "",
        f"It took {_duration(message.duration_s)}, from {_time(message.started_at)}.",
        "There is nothing to do.",
        "",
        f"Incident group: {message.group_id}",
        "",
        HOST_FOOTER,
    ]
    title = f"{_links(message.links)} of {message.host} work again"
    return _notice("host.recovered", title, lines, message.recovered_at, message)


@notice.register
def _(message: LinkFlapping) -> Notice:
    lines = [
        message.url,
        f"went {message.changes} times from working to broken or back within its latest checks.",
        "",
        "You are not told of each any more until it is calm again; then you hear of how it is.",
        "What to do: look at what is behind it. If that is how it is, give the link a longer confirmation.",
        "",
        *_tags(message.tags),
        f"Link: {message.link_id}",
    ]
    return _notice("link.flapping", f"Unsteady link: {message.url}", lines, message.at, message)


@notice.register
def _(message: LinkUnverifiable) -> Notice:
    explanation = explain(message.reason, None)
    lines = [
        message.url,
        f"could not be verified since {_time(message.since)}. It may well work for people.",
        "",
        f"Why: {explanation.why}",
        f"What to do: {explanation.remedy}",
        "",
        *_tags(message.tags),
        f"Link: {message.link_id}",
    ]
    return _notice("link.unverifiable", f"Cannot be verified: {message.url}", lines, message.at, message)


@notice.register
def _(message: ChecksFrozen) -> Notice:
    lines = [
        f"{message.failed} of {message.checked} links that worked, on {message.hosts} hosts, failed at once.",
        "",
        "That is more likely our own network than all of them. No link is called broken for now.",
        "What to do: look at the network of the workers. You are told of this once.",
    ]
    return _notice("checks.frozen", "Many links failed at once: nothing is called broken", lines, message.at, message)


@notice.register
def _(message: SendNotification) -> Notice:
    payload = encode("notification", clock.now(), {"title": message.title, "body": message.body})
    return Notice("notification", _line(message.title), _storable(message.body), payload)


def encode(subject: str, occurred_at: datetime, data: dict[str, Any]) -> str:
    """The Standard Webhooks payload; where it would be too large, its longest value is cut until it fits."""
    while True:
        payload = msgspec.json.encode({"type": subject, "timestamp": occurred_at, "data": data})
        if len(payload) < LARGEST_PAYLOAD:
            return payload.decode()
        longest = max(data, key=lambda name: len(msgspec.json.encode(data[name])))
        data = {**data, longest: data[longest][: len(data[longest]) // 2]}


def _notice(subject: str, title: str, lines: list[str], at: datetime, message: Event) -> Notice:
    data = {
        name: getattr(message, name)
        for name in message.__dataclass_fields__
        if name not in ("event_id", "workspace_id")
    }
    payload = encode(subject, at, {"title": title, **data})
    return Notice(subject, _line(title), _storable("\n".join(lines)), payload, getattr(message, "link_id", None))


def _links(count: int) -> str:
    return f"{count:,} link{'' if count == 1 else 's'}"


def _causes(reasons: dict[str, int]) -> list[str]:
    """How often each, where there is more than one."""
    if len(reasons) < 2:
        return []
    counted = sorted(reasons.items(), key=lambda each: (-each[1], each[0]))
    return [f"Causes: {', '.join(f'{reason} ({count:,})' for reason, count in counted)}"]


def _tags(tags: tuple[str, ...]) -> list[str]:
    return [f"Tags: {', '.join(tags)}"] if tags else []


def _line(text: str) -> str:
    """One line of bounded length: a title becomes a mail's subject."""
    line = " ".join(_storable(text).split())
    return line if len(line) <= LONGEST_TITLE else f"{line[: LONGEST_TITLE - 1]}…"


def _storable(text: str) -> str:
    """PostgreSQL keeps every character but NUL, and what a server answered may hold one."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _time(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def _duration(seconds: float) -> str:
    """The two largest units: 2 days 3 hours, 5 minutes 10 seconds."""
    rest = max(round(seconds), 0)
    counts = []
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, rest = divmod(rest, length)
        if count:
            counts.append(f"{count} {unit}{'s' if count > 1 else ''}")
    return " ".join(counts[:2]) or "less than a second"
