"""What applies to the links of a part: their own options over their host's, over the workspace's."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Links
from tasks.links import tailoring
from tasks.links.disclosure import OPEN_HEADERS
from tasks.links.messages import CheckLinks, LinkSpec, link_id
from tasks.links.options import NONE, CheckOptions, HostLimits, headers_of, merged
from tasks.links.result import Target
from tasks.links.sealed import Safe, Sealed
from tasks.urls import host_of
from tasks.vault import Vault

# Most workspaces have neither: one question, and no answer, is all it costs them.
READ = text("""
    SELECT id, host, rules, options, secrets FROM policies WHERE workspace_id = :workspace
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, NULL WHERE EXISTS (SELECT FROM link_options WHERE workspace_id = :workspace)
""")
# Of a workspace: these stand for the settings of the same names.
OVERRIDES = ("interval_s", "confirm_hard", "confirm_transient", "min_confirm_s", "confirm_offsets_s", "recover_ok")


class Layers:
    """Everything that users set that has to do with one part. `policies` are rows by host, of which the workspace's
    own has none; `own` the options of links. What is sealed is opened where it is needed."""

    def __init__(
        self, workspace_id: uuid.UUID, vault: Vault, policies: Mapping[str, Any], own: Mapping[uuid.UUID, Sealed]
    ) -> None:
        self._workspace_id = workspace_id
        self._vault = vault
        self._policies = policies
        self._own = own
        self._opened: dict[str, CheckOptions] = {}

    def settings(self, settings: Links) -> Links:
        """The settings, as the workspace has them."""
        policy = self._policies.get("")
        if policy is None:
            return settings
        rules = {name: value for name, value in policy.rules.items() if name in OVERRIDES and value is not None}
        if "confirm_offsets_s" in rules:
            rules["confirm_offsets_s"] = tuple(rules["confirm_offsets_s"])
        return replace(settings, **rules)

    def target(self, spec: LinkSpec) -> Target:
        """How to check a link. Raises VaultError where its secrets cannot be opened."""
        if not self._policies and not self._own and spec.settings is None:
            return Target(spec.url, full=spec.full)
        host = host_of(spec.url)
        options = merged(self._of_host(host), self._of_link(spec))
        return Target(
            spec.url,
            full=spec.full,
            options=None if options == NONE else options,
            limits=self._limits(host),
            elsewhere=self._headers_for if self._policies else None,
        )

    def _of_link(self, spec: LinkSpec) -> CheckOptions:
        identity = link_id(self._workspace_id, spec.url)
        # What comes with the submission is set from now on, and its part may be the first to know.
        kept = tailoring.of(spec.settings) or self._own.get(identity)
        return self._safe(identity).open(kept) if kept and kept.shown else NONE

    def _of_host(self, host: str) -> CheckOptions:
        """The host's options over those of the workspace."""
        if host not in self._opened:
            lower = self._of_host("") if host else NONE
            policy = self._policies.get(host)
            own = self._safe(policy.id).open(Sealed(policy.options, policy.secrets)) if policy else NONE
            self._opened[host] = merged(lower, own)
        return self._opened[host]

    def _headers_for(self, host: str, trusted: bool) -> Mapping[str, str]:
        """What a request goes to a host with that a redirect leads to; without secrets where it is not trusted."""
        headers = headers_of(self._of_host(host))
        return headers if trusted else {name: value for name, value in headers.items() if name.lower() in OPEN_HEADERS}

    def _limits(self, host: str) -> HostLimits | None:
        policy = self._policies.get(host)
        limits = HostLimits(policy.rules.get("concurrency"), policy.rules.get("spacing_ms")) if policy else None
        return None if limits == HostLimits() else limits

    def _safe(self, owner_id: uuid.UUID) -> Safe:
        return Safe(self._vault, self._workspace_id, owner_id)


def read(session: Session, workspace_id: uuid.UUID, parts: Sequence[CheckLinks], vault: Vault) -> Layers:
    """What is set for these parts."""
    rows = session.execute(READ, {"workspace": workspace_id}).all()
    policies = {row.host: row for row in rows if row.id is not None}
    if len(policies) == len(rows):
        return Layers(workspace_id, vault, policies, {})
    ids = [link_id(workspace_id, spec.url) for part in parts if part.keep for spec in part.links]
    return Layers(workspace_id, vault, policies, tailoring.read(session, ids) if ids else {})
