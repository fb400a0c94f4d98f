import subprocess
from pathlib import Path

import pytest

from cli import sources
from cli.gathering import Gathering, normal
from cli.local_files import Target, look, target_of
from cli.sources import NoSuchSource, Reading


def gathered(path: Path, text: str, **reading: object) -> Gathering:
    path.write_text(text)
    found = Gathering()
    sources.read_file(found, path, Reading(root=path.parent, **reading))  # type: ignore[arg-type]  # as given
    return found


def test_a_directory_is_its_documents_but_what_is_hidden_or_ignored(tmp_path: Path) -> None:
    for name in ("a.md", "b/c.html", "b/d.py", ".e/f.md", "node_modules/g.md", "build/h.md", "build.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.relative_to(tmp_path).as_posix() for path in sources.files_of(str(tmp_path))] == [
        "a.md",
        "build.md",
        "b/c.html",
        "build/h.md",
    ]
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("build/\n")
    names = [path.relative_to(tmp_path).as_posix() for path in sources.files_of(str(tmp_path))]
    assert names == ["a.md", "build.md", "b/c.html"]


def test_a_name_that_is_neither_file_nor_link_is_said() -> None:
    with pytest.raises(NoSuchSource, match=r"https://example\.org/x"):
        sources.files_of("example.org/x")


@pytest.mark.parametrize("scheme", ["tel:1", "data:,x", "javascript:void(0)", "mailto:a@e.org", "ftp://e.org/"])
def test_what_nothing_can_be_said_of_is_passed_over(tmp_path: Path, scheme: str) -> None:
    found = gathered(tmp_path / "a.html", f'<a href="{scheme}">')
    assert (found.links, found.files, found.excluded) == ({}, {}, 0)


def test_mail_is_checked_when_asked_for(tmp_path: Path) -> None:
    assert list(gathered(tmp_path / "a.html", '<a href="mailto:a@e.org">', mail=True).links) == ["mailto:a@e.org"]


def test_a_link_of_a_page_without_a_scheme_is_one(tmp_path: Path) -> None:
    assert list(gathered(tmp_path / "a.html", '<a href="//e.org/x">').links) == ["https://e.org/x"]


def test_links_are_the_same_as_the_server_writes_them() -> None:
    assert normal(" HTTPS://E.org:443/a b") == "https://e.org/a%20b"
    assert normal("no link") == "no link"
    assert normal("https://user:secret@e.org/") == "https://user:secret@e.org/"


@pytest.mark.parametrize(
    ("reference", "verdict", "reason"),
    [
        ("b%20c.md", "ok", "ok"),
        ("b%20c.md?raw=1#Heading", "ok", "ok"),
        ("b%20c.md#nothing", "degraded", "fragment_missing"),
        ("#own", "ok", "ok"),
        ("#top", "ok", "ok"),
        ("#:~:text=x", "ok", "ok"),
        ("", "ok", "ok"),
        ("/docs", "ok", "ok"),
        ("/docs/guide", "ok", "ok"),
        ("../a.md", "broken", "file_missing"),
        ("x" * 5000, "broken", "file_missing"),
        ("%00", "broken", "file_missing"),
        ("data.bin#anything", "ok", "ok"),
    ],
)
def test_files_are_looked_for(tmp_path: Path, reference: str, verdict: str, reason: str) -> None:
    root = tmp_path / "root"
    (root / "docs").mkdir(parents=True)
    (root / "a.md").write_text("# Own\n")
    (root / "b c.md").write_text("# Heading\n")
    (root / "docs" / "guide.html").touch()
    (root / "data.bin").write_bytes(b"\xff")
    found = look(target_of(reference, root / "a.md", root), (".html",))
    assert (found.verdict, found.reason) == (verdict, reason)


def test_a_target_is_told_as_it_is_written(tmp_path: Path) -> None:
    assert target_of("./b.md#c", tmp_path / "a.md", tmp_path) == Target(tmp_path / "b.md", "c", "./b.md#c")
