"""Code of a release that is out works with the newest schema: what it reads is there, and what it writes is taken."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from migrations import shape
from migrations.shape import RECORDS, Shape

# Rules that came after a release and that its code keeps all the same, with the reason.
KEPT = "kept.json"


def broken_promises(then: Shape, now: Shape, kept: dict[str, list[str]]) -> Iterator[str]:
    """What code that was written for the one schema would find wrong with the other."""
    for table, old in then.items():
        if table not in now:
            yield f"{table} is gone"
            continue
        yield from _of_columns(table, old["columns"], now[table]["columns"])
        for rule in sorted({*now[table]["rules"]} - {*old["rules"]} - {*kept.get(table, ())}):
            yield f"{table}: nobody says that the old code keeps {rule}"


def _of_columns(table: str, then: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for name, old in then.items():
        new = now.get(name)
        if new is None:
            yield f"{table}.{name} is gone"
        elif new["type"] != old["type"]:
            yield f"{table}.{name} is {new['type']} and was {old['type']}"
        elif new["null"] and not old["null"]:
            yield f"{table}.{name} may be null, which the old code does not expect"
        elif (old["null"] and not new["null"]) or (old["default"] and not (new["default"] or new["null"])):
            yield f"{table}.{name} must be said, which the old code does not do"
    for name in now.keys() - then.keys():
        if not (now[name]["null"] or now[name]["default"]):
            yield f"{table}.{name} must be said, which the old code cannot know"


RELEASES = sorted(path for path in RECORDS.glob("*/*.json") if path.name != KEPT)


@pytest.mark.parametrize("path", RELEASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_newest_schema_keeps_what_a_release_relies_on(path: Path, empty: Callable[[str], Connection]) -> None:
    kept = json.loads((path.parent / KEPT).read_text())[path.stem]
    now = shape.of(empty(path.stem))
    assert list(broken_promises(json.loads(path.read_text()), now, kept)) == []


@pytest.mark.parametrize(
    "change",
    [
        "DROP TABLE leases",
        "ALTER TABLE links DROP COLUMN told",
        "ALTER TABLE links RENAME COLUMN told TO believed",
        "ALTER TABLE links ALTER latency_ms TYPE real",
        "ALTER TABLE links ALTER url DROP NOT NULL",
        "ALTER TABLE links ALTER told SET NOT NULL",
        "ALTER TABLE links ALTER version DROP DEFAULT",
        "ALTER TABLE links ADD COLUMN colour text NOT NULL",
        "ALTER TABLE links ADD CONSTRAINT short CHECK (length(url) < 80)",
        "CREATE UNIQUE INDEX once ON links (workspace_id, url)",
    ],
)
def test_what_would_break_it_is_found(change: str, empty: Callable[[str], Connection]) -> None:
    connection = empty("links")
    then = shape.of(connection)
    connection.execute(text(change))
    assert list(broken_promises(then, shape.of(connection), {}))


def test_a_column_that_may_be_left_out_breaks_nothing(empty: Callable[[str], Connection]) -> None:
    connection = empty("links")
    then = shape.of(connection)
    connection.execute(text("ALTER TABLE links ADD COLUMN colour text, ADD COLUMN size int NOT NULL DEFAULT 0"))
    assert list(broken_promises(then, shape.of(connection), {})) == []
