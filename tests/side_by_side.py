"""How tests are shared out where several processes run them (`-n`): what is dear is made once and comes first."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
from xdist.scheduler import LoadGroupScheduling

# What all users of must share a process: fixtures, and a folder whose servers are its own.
_FIXTURES = ("system", "nervous", "polite")
_FOLDERS = {"tests/cli/local": "local"}
# Each of its files runs a product of its own, under fixtures that may be called as those above.
_FAULTS = "tests/faults"
# What takes longest begins first.
_FIRST = (
    f"{_FAULTS}/test_campaign.py",
    "system",
    f"{_FAULTS}/test_failpoints.py",
    "nervous",
    "polite",
    _FAULTS,
    "local",
)


class Scheduling(LoadGroupScheduling):
    """A process takes a group at a time, and of the rest a file."""

    def _split_scope(self, nodeid: str) -> str:
        group = super()._split_scope(nodeid)
        return nodeid.split("::", 1)[0] if group == nodeid else str(group)


def group(items: list[pytest.Item]) -> None:
    """Say of each test which group it is of; in a process of several, put those that belong together first."""
    ranks: dict[pytest.Item, int] = {}
    for item in items:
        name = _group_of(item)
        ranks[item] = _FIRST.index(name) if name else len(_FIRST)
        if name and not name.startswith(_FAULTS):
            item.add_marker(pytest.mark.xdist_group(name))
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=ranks.__getitem__)


def _group_of(item: pytest.Item) -> str | None:
    used: Sequence[str] = getattr(item, "fixturenames", ())
    file = item.nodeid.partition("::")[0]
    folder = file.rpartition("/")[0]
    if folder == _FAULTS:
        return file if file in _FIRST else _FAULTS
    return next((name for name in _FIXTURES if name in used), _FOLDERS.get(folder))
