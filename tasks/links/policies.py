"""Policies of hosts and workspaces come, change and go: each is checked, written and announced in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tasks import clock, outbox, wire
from tasks.links.callers import Caller, Stale
from tasks.links.messages import PolicyChanged, link_id
from tasks.links.models import OUTBOX, Policy
from tasks.links.sealed import Safe, Sealed
from tasks.links.validity import InvalidOptions
from tasks.vault import Vault

# Each part of a workspace's links reads all of them.
MOST_POLICIES = 1000
RULES_OF_HOST = ("concurrency", "spacing_ms")
RULES_OF_WORKSPACE = (
    "interval_s",
    "confirm_hard",
    "confirm_transient",
    "min_confirm_s",
    "confirm_offsets_s",
    "recover_ok",
)
# What goes to one host must not go to all.
NOT_FOR_ALL = ("request_headers", "cookies", "basic_auth", "bearer_token")


@dataclass(frozen=True)
class PolicyView:
    """A policy as people see it: of a host, or of the workspace where there is none. Version 0 is not set yet."""

    host: str
    version: int
    updated_at: datetime | None
    options_json: str
    concurrency: int | None = None
    spacing_ms: int | None = None
    interval_s: int | None = None
    confirm_hard: int | None = None
    confirm_transient: int | None = None
    min_confirm_s: float | None = None
    confirm_offsets_s: tuple[float, ...] = ()
    recover_ok: int | None = None


@dataclass(frozen=True)
class Wanted:
    """A policy as it is asked for. `options` hold `disclosure.SET` for secrets that are to stay as they are."""

    rules: Mapping[str, Any]
    options: Mapping[str, Any]


def get(session: Session, workspace_id: uuid.UUID, host: str) -> PolicyView | None:
    """The policy of a host, if it has one; a workspace has one always."""
    policy = _find(session, workspace_id, host)
    if policy is None:
        return None if host else PolicyView("", 0, None, "{}")
    return _view(policy)


def list_hosts(session: Session, workspace_id: uuid.UUID, limit: int, after: str) -> tuple[list[PolicyView], str]:
    """The policies of hosts by name, and where the next page starts."""
    query = select(Policy).where(Policy.workspace_id == workspace_id, Policy.host > after)
    found = session.scalars(query.order_by(Policy.host).limit(limit + 1)).all()
    return [_view(each) for each in found[:limit]], found[limit - 1].host if len(found) > limit else ""


def put(
    session: Session,
    workspace_id: uuid.UUID,
    host: str,
    wanted: Wanted,
    versions: Sequence[int],
    caller: Caller,
    vault: Vault,
) -> PolicyView:
    """Make a policy what is wanted, if it is of one of `versions`: 0 is one that is not there, none is whatever it is.

    Raises `Stale` where somebody else was first, and `InvalidOptions`.
    """
    before = _locked(session, workspace_id, host)
    if versions and before.version not in versions:
        raise Stale
    _judge(session, before, wanted)
    kept, rules = Sealed(before.options, before.secrets), _rules(wanted.rules)
    # The whole is replaced: what is not named goes.
    changes = dict.fromkeys(kept.shown) | dict(wanted.options)
    new = Safe(vault, workspace_id, before.id).revise(kept, changes)
    told = _differences(before, rules, kept, new)
    change = "edited" if before.version else "created"
    before.rules, before.options, before.secrets = rules, dict(new.shown), new.secrets
    before.version += 1
    session.flush()
    session.refresh(before)
    _announce(session, before, change, told, caller)
    return _view(before)


def remove(session: Session, workspace_id: uuid.UUID, host: str, versions: Sequence[int], caller: Caller) -> bool:
    """Forget a host's policy. False where there is none."""
    policy = _find(session, workspace_id, host, lock=True)
    if policy is None:
        return False
    if versions and policy.version not in versions:
        raise Stale
    session.delete(policy)
    _announce(session, policy, "deleted", {}, caller)
    return True


def _find(session: Session, workspace_id: uuid.UUID, host: str, lock: bool = False) -> Policy | None:
    query = select(Policy).where(Policy.workspace_id == workspace_id, Policy.host == host)
    return session.scalar(query.with_for_update() if lock else query)


def _locked(session: Session, workspace_id: uuid.UUID, host: str) -> Policy:
    """The policy's row, made where there is none: of two who make it at once, the second sees the first's."""
    # No URL begins so: the id is nobody else's.
    blank = {"id": link_id(workspace_id, f"//{host}"), "workspace_id": workspace_id, "host": host}
    session.execute(
        insert(Policy).values(**blank, rules={}, options={}, secrets="", version=0).on_conflict_do_nothing()
    )
    policy = _find(session, workspace_id, host, lock=True)
    assert policy is not None
    return policy


def _judge(session: Session, policy: Policy, wanted: Wanted) -> None:
    if not policy.host:
        for name in NOT_FOR_ALL:
            if wanted.options.get(name):
                raise InvalidOptions(name, "is set for a host or a link, never for all hosts of a workspace")
        return
    count = session.scalar(select(func.count()).where(Policy.workspace_id == policy.workspace_id)) or 0
    if not policy.version and count > MOST_POLICIES:
        raise InvalidOptions("", f"a workspace has policies of at most {MOST_POLICIES} hosts; delete one")


def _rules(rules: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in rules.items() if value not in (None, [], ())}


def _differences(before: Policy, rules: Mapping[str, Any], kept: Sealed, new: Sealed) -> dict[str, tuple[Any, Any]]:
    names = sorted({*before.rules, *rules})
    told = {name: (before.rules.get(name), rules.get(name)) for name in names}
    changed = {name: pair for name, pair in told.items() if pair[0] != pair[1]}
    return changed | ({"options": (dict(kept.shown), dict(new.shown))} if new is not kept else {})


def _view(policy: Policy) -> PolicyView:
    options = msgspec.json.encode(policy.options).decode()
    return PolicyView(policy.host, policy.version, policy.updated_at, options, **policy.rules)


def _announce(
    session: Session, policy: Policy, change: str, changes: dict[str, tuple[Any, Any]], caller: Caller
) -> None:
    told = PolicyChanged(
        event_id=wire.new_id(),
        workspace_id=policy.workspace_id,
        policy_id=policy.id,
        host=policy.host,
        change=change,
        occurred_at=clock.now(),
        changes=changes,
        actor=caller.actor,
        ip=caller.ip,
        user_agent=caller.user_agent,
    )
    outbox.post(session, OUTBOX, [outbox.event(told)])
