"""What the documents say exists: settings, files, commands, metrics and log lines are those of the code."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

from config.settings import SERVICES
from docs.reference import verdicts
from docs.reference.__main__ import PAGE, page
from tasks.links.meaning import MEANINGS
from tasks.links.verdict import Reason
from tests.conftest import ROOT

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
CODE = [
    path
    for folder in ("benchmarks", "cli", "config", "deploy", "tasks", "web", "workers")
    for path in sorted((ROOT / folder).rglob("*.py"))
] + [ROOT / "docker-compose.yml", ROOT / "Makefile"]
LINK = re.compile(r"\]\(([^)\s]+)\)")
# `tasks/wire.py`, `docs/decisions/`: what stands in backticks and begins with a folder or is a file of the root.
NAMED = re.compile(r"`([\w.\-]+(?:/[\w.\-]+)*/?)`")
SETTING = re.compile(r"PRANALA_[A-Z0-9_]*[A-Z0-9]")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text_of_code() -> str:
    return "\n".join(path.read_text() for path in CODE)


def test_the_settings_page_is_what_the_settings_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make docs"


def test_the_verdicts_page_is_what_the_rules_say() -> None:
    assert verdicts.PAGE.read_text(encoding="utf-8") == verdicts.page(), "run: make docs"


def test_every_reason_is_explained() -> None:
    assert set(MEANINGS) == set(Reason)


def test_every_setting_in_the_code_is_on_the_page() -> None:
    documented = set(SETTING.findall(PAGE.read_text(encoding="utf-8")))
    documented |= {f"PRANALA_{service.upper()}_DATABASE_URL" for service in SERVICES}
    used = set(SETTING.findall(text_of_code()))
    assert {name for name in used if name not in documented and name.removesuffix("_FILE") not in documented} == set()


def test_every_setting_that_a_page_names_is_used() -> None:
    used = set(SETTING.findall(text_of_code())) | {"PRANALA_"}
    used |= {f"PRANALA_{service.upper()}_DATABASE_URL" for service in SERVICES}
    for each in PAGES:
        named = {name for name in SETTING.findall(each.read_text()) if not name.endswith("_FILE")}
        assert named <= used, name_of(each)


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in LINK.findall(path.read_text()):
        if "://" in target or target.startswith(("mailto:", "<")):
            continue
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), f"{target} is not there"
        if anchor:
            assert anchor in anchors(found), f"{file} has no heading {anchor}"


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_file_that_is_named_exists(path: Path) -> None:
    tops = {each.name for each in ROOT.iterdir() if each.is_dir()} - {".venv", ".pranala"}
    for name in NAMED.findall(path.read_text()):
        if name.split("/")[0] in tops and "/" in name and not name.startswith("deploy/secrets"):
            assert (ROOT / name).exists(), f"{name} is not there"


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_make_target_that_is_named_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z]+)", path.read_text(), re.MULTILINE))
    assert named <= targets


def test_every_metric_that_operations_names_is_counted() -> None:
    counted = text_of_code()
    for name in set(re.findall(r"`(pranala_[a-z_]+)`", (ROOT / "docs" / "operations.md").read_text())):
        if not name.startswith(tuple(f"pranala_{service}" for service in SERVICES)):
            assert f'"{name.removesuffix("_total")}"' in counted, name


def test_every_log_line_that_operations_names_is_written() -> None:
    written = text_of_code()
    table = (ROOT / "docs" / "operations.md").read_text().split("| `event` |")[1].split("\n\n")[0]
    for event in re.findall(r"^\| `([^`]+)`", table, re.MULTILINE):
        assert f'"{event}"' in written, event


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_why_what_and_at_what_cost(path: Path) -> None:
    text = path.read_text()
    number = int(path.name[:4])
    assert re.match(rf"# {number}\. \S", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "What it costs"]
    index = (ROOT / "docs" / "decisions" / "README.md").read_text()
    title = text.splitlines()[0].removeprefix("# ")
    assert f"{number}. [{title.partition('. ')[2]}]({path.name})" in index


def test_the_version_has_its_changes() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    version = setup["metadata"]["version"]
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text()
    assert f"pranala:{version}" in (ROOT / "docker-compose.yml").read_text()
