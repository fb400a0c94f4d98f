"""Imports point one way. Each rule is a question about one import; a broken one names both ends."""

import sys
from collections.abc import Iterator

import grimp
import pytest

from config.settings import SERVICES

OURS = ("web", "workers", "tasks", "config", "contracts", "cli")
# Rules decide; they can be tested without a fixture because they know nothing but the standard library.
RULES = (
    "tasks.guard",
    "tasks.links.verdict",
    "tasks.links.fragment",
    "tasks.links.meaning",
    "tasks.links.options",
    "tasks.links.disclosure",
    "tasks.links.backoff",
    "tasks.links.lanes",
    "tasks.links.state",
    "tasks.links.overlays",
    "tasks.links.grouping",
    "tasks.links.pace",
    "tasks.notifications.backoff",
    "tasks.accounts.keys",
)
# What a request is judged by before it is accepted.
OPEN_TO_WEB = ("tasks.accounts.keys", "tasks.links.options", "tasks.links.validity", "tasks.links.disclosure")
MESSENGERS = ("celery", "kombu", "amqp")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*OURS, include_external_packages=True, cache_dir=None)


def imports(graph: grimp.ImportGraph) -> Iterator[tuple[str, str]]:
    for importer in sorted(graph.modules):
        if importer.split(".")[0] in OURS:
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                yield importer, imported


def service_of(module: str) -> str:
    """The service a module under tasks/ belongs to; empty for the core that all share."""
    parts = module.split(".")
    return parts[1] if parts[0] == "tasks" and len(parts) > 1 and parts[1] in SERVICES else ""


def is_core(module: str) -> bool:
    return module.split(".")[0] == "tasks" and not service_of(module)


def is_messages(module: str) -> bool:
    return bool(service_of(module)) and module.endswith(".messages")


def may_import(importer: str, imported: str) -> bool:
    """Whether one module of ours may import another of ours."""
    top, target = importer.split(".")[0], imported.split(".")[0]
    if top in ("config", "contracts", "cli"):
        return target == top
    if top == "workers":
        return target in ("workers", "tasks", "config", "contracts")
    if top == "web":
        tasks_open = is_core(imported) or is_messages(imported) or service_of(imported) == "intake"
        return target in ("web", "config", "contracts") or tasks_open or imported in OPEN_TO_WEB
    if is_messages(importer):
        return imported == "tasks.wire"
    own = service_of(importer)
    return target == "config" or is_core(imported) or is_messages(imported) or bool(own and service_of(imported) == own)


def test_imports_between_our_packages_point_one_way(graph: grimp.ImportGraph) -> None:
    wrong = [
        f"{importer} imports {imported}"
        for importer, imported in imports(graph)
        if imported.split(".")[0] in OURS and not may_import(importer, imported)
    ]
    assert not wrong, "\n".join(wrong)


def test_rules_know_nothing_but_the_standard_library(graph: grimp.ImportGraph) -> None:
    wrong = [
        f"{importer} imports {imported}"
        for importer, imported in imports(graph)
        if importer in RULES and imported not in RULES and imported.split(".")[0] not in sys.stdlib_module_names
    ]
    assert not wrong, "\n".join(wrong)


def test_tasks_know_neither_flask_nor_celery_and_only_the_publisher_knows_the_broker(graph: grimp.ImportGraph) -> None:
    wrong = [
        f"{importer} imports {imported}"
        for importer, imported in imports(graph)
        if importer.split(".")[0] == "tasks"
        and (imported == "flask" or (imported in MESSENGERS and importer != "tasks.publishing"))
    ]
    assert not wrong, "\n".join(wrong)


def test_every_rule_named_here_exists(graph: grimp.ImportGraph) -> None:
    assert set(RULES) <= graph.modules


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("web.links", "tasks.links.models"),
        ("web.links", "tasks.links.queries"),
        ("web.links", "workers.app"),
        ("workers.links", "web.app"),
        ("tasks.links.handlers", "tasks.notifications.handlers"),
        ("tasks.links.handlers", "web.app"),
        ("tasks.outbox", "tasks.links.models"),
        ("tasks.links.messages", "tasks.links.models"),
        ("cli.check", "tasks.urls"),
        ("config.broker", "tasks.wire"),
    ],
)
def test_a_forbidden_import_would_be_found(importer: str, imported: str) -> None:
    assert not may_import(importer, imported)
