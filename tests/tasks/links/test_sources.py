"""Pages and sitemaps as sources: fetched by the real engine, written to a real database, checked for their job."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from ipaddress import ip_network

import msgspec
import pytest
from sqlalchemy import delete, func, select

from config.settings import Links
from tasks import outbox, wire
from tasks.database import Sessions
from tasks.links import queries
from tasks.links.checking import check_links
from tasks.links.fetch import Engine
from tasks.links.handlers import cancel_parts, gather_links, lease_due
from tasks.links.messages import CancelParts, CheckLinks, GatherLinks, LeaseDueLinks
from tasks.links.models import OUTBOX, Job, PartDeferred
from tasks.links.queries import JobView, SourceView
from tasks.links.service import reader_settings
from tests.conftest import MakeDatabase
from tests.servers.files import Files
from tests.tasks.links.test_deferral import Answers

WORKSPACE = uuid.uuid4()
SETTINGS = Links(part_size=3, allow_networks=(ip_network("127.0.0.0/8"),), host_interval_ms=0)
HTML = "text/html; charset=utf-8"
XML = "application/xml"
PAGE = b"""<!doctype html><base href="/docs/"><a href="guide">1</a><a href="guide">1</a><a href="#top">2</a>
<img src="//img.example/a.png"><a href="mailto:a@b.example">3</a><link rel=preconnect href="https://cdn.example">
<video poster="/poster.jpg"></video><a href="http://[bad">4</a><a href="javascript:void(0)">5</a>"""


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("links")


@pytest.fixture
def files() -> Iterator[Files]:
    with Files() as server:
        yield server


@pytest.fixture
def engine() -> Iterator[Engine]:
    running = Engine(reader_settings(SETTINGS))
    yield running
    running.close()


Gather = Callable[..., GatherLinks]


@pytest.fixture
def gather(sessions: Sessions, engine: Engine) -> Gather:
    """Call with kind and URL: a job whose links are gathered there."""

    def call(kind: str, url: str, **more: object) -> GatherLinks:
        ask = GatherLinks(wire.new_id(), WORKSPACE, wire.new_id(), kind, url, most=1000)
        message = replace(ask, **more)  # type: ignore[arg-type]  # checked by the dataclass
        gather_links(message, sessions=sessions, reader=engine, settings=SETTINGS)
        return message

    return call


def job(sessions: Sessions, message: GatherLinks) -> JobView:
    with sessions() as session:
        found = queries.get_job(session, WORKSPACE, message.job_id)
    assert found
    return found


def source(sessions: Sessions, message: GatherLinks) -> SourceView:
    found = job(sessions, message).source
    assert found
    return found


def told(sessions: Sessions) -> list[str]:
    """What was announced, and is now forgotten."""
    with sessions.begin() as session:
        names = [letter.name for letter in outbox.claim(session, OUTBOX, 100)]
        session.execute(delete(OUTBOX))
    return names


def sent(sessions: Sessions) -> list[CheckLinks]:
    """The parts that the next tick sends."""
    lease_due(LeaseDueLinks(), sessions=sessions, settings=SETTINGS)
    with sessions.begin() as session:
        letters = outbox.claim(session, OUTBOX, 100)
        session.execute(delete(OUTBOX))
    return [msgspec.json.decode(each.body or "", type=CheckLinks) for each in letters if each.name == "CheckLinks"]


def urls(parts: list[CheckLinks]) -> list[str]:
    return [spec.url for part in parts for spec in part.links]


def urlset(*names: str) -> tuple[bytes, str]:
    return ("<urlset>" + "".join(f"<url><loc>{name}</loc></url>" for name in names)).encode(), XML


def index(*names: str) -> tuple[bytes, str]:
    return ("<sitemapindex>" + "".join(f"<sitemap><loc>{name}</loc></sitemap>" for name in names)).encode(), XML


def test_a_sitemaps_pages_are_checked_as_parts_of_the_job_that_named_it(
    sessions: Sessions, files: Files, gather: Gather
) -> None:
    pages = [f"https://site.example/{number}" for number in range(7)]
    files.pages["/sitemap.xml"] = urlset(*pages, pages[0], "not a URL")
    message = gather("sitemap", f"{files.url}/sitemap.xml")
    assert told(sessions) == ["PartChecked"]
    begun = job(sessions, message)
    assert (begun.state, begun.total, begun.done) == ("running", 7, 0)
    assert begun.source == SourceView("sitemap", f"{files.url}/sitemap.xml", "", duplicates=1, rejected_count=1)
    parts = sent(sessions)
    assert (urls(parts), [part.job_total for part in parts]) == (pages, [7, 7, 7])
    for part in (*parts, parts[0]):
        check_links(part, sessions=sessions, checker=Answers(), settings=SETTINGS)
    ended = job(sessions, message)
    assert (ended.state, ended.done, ended.verdicts) == ("finished", 7, {"ok": 7})
    assert told(sessions).count("JobFinished") == 1
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(PartDeferred)) == 0


def test_a_source_that_comes_twice_is_read_and_written_once(
    sessions: Sessions, engine: Engine, files: Files, gather: Gather
) -> None:
    files.pages["/sitemap.xml"] = urlset("https://site.example/")
    message = gather("sitemap", f"{files.url}/sitemap.xml")
    gather_links(message, sessions=sessions, reader=engine, settings=SETTINGS)
    assert (len(files.hits), told(sessions)) == (1, ["PartChecked"] * 2)
    assert len(sent(sessions)) == 1


def test_an_index_is_followed_and_a_sitemap_that_is_gone_spoils_no_other(
    sessions: Sessions, files: Files, gather: Gather
) -> None:
    files.pages |= {
        "/index.xml": index(*(f"{files.url}/{name}" for name in ("a.xml.gz", "b.txt", "gone.xml", "index.xml"))),
        "/a.xml.gz": (gzip.compress(urlset("https://site.example/a")[0]), "application/gzip"),
        "/b.txt": (b"https://site.example/b\nhttps://site.example/a\n", "text/plain"),
    }
    message = gather("sitemap", f"{files.url}/index.xml")
    assert source(sessions, message).error == (
        f"1 of 4 sitemaps could not be read; the first is {files.url}/gone.xml: the sitemap answered 404"
    )
    assert sorted(urls(sent(sessions))) == ["https://site.example/a", "https://site.example/b"]


def test_what_a_page_links_to_loads_and_embeds_is_checked(sessions: Sessions, files: Files, gather: Gather) -> None:
    files.pages["/start"] = (PAGE, HTML)
    message = gather("page", f"{files.url}/start", keep=False)
    parts = sent(sessions)
    assert urls(parts) == [
        f"{files.url}/docs/guide",
        f"{files.url}/docs/#top",
        "http://img.example/a.png",
        f"{files.url}/poster.jpg",
    ]
    assert [part.keep for part in parts] == [False, False]
    assert source(sessions, message).duplicates == 1


@pytest.mark.parametrize(
    ("kind", "path", "error"),
    [
        ("sitemap", "/gone", "the sitemap answered 404"),
        ("page", "/busy", "the page answered 503"),
        ("page", "/text", "the page is no HTML"),
        ("sitemap", "/text", "the sitemap is no sitemap: it names no URL"),
        ("sitemap", "/bad.gz", "the sitemap is not gzip after all"),
        ("sitemap", "/many", "the sitemap names more than 1,000 links"),
    ],
)
def test_a_source_that_cannot_be_read_ends_its_job_with_the_reason(
    sessions: Sessions, files: Files, gather: Gather, kind: str, path: str, error: str
) -> None:
    files.pages |= {
        "/busy": 503,
        "/text": (b"hello", "text/plain"),
        "/bad.gz": (b"\x1f\x8bnonsense", "application/gzip"),
        "/many": urlset(*(f"https://site.example/{number}" for number in range(1001))),
    }
    message = gather(kind, files.url + path)
    ended = job(sessions, message)
    assert (ended.state, ended.total, ended.verdicts) == ("finished", 0, {})
    assert source(sessions, message).error.startswith(error)
    assert told(sessions) == ["PartChecked", "JobFinished"]
    assert sent(sessions) == []


@pytest.mark.parametrize("kind", ["sitemap", "page"])
@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://[::ffff:169.254.169.254]/latest/"])
def test_a_source_at_a_private_address_is_not_fetched(sessions: Sessions, gather: Gather, kind: str, url: str) -> None:
    error = source(sessions, gather(kind, url)).error
    assert error.startswith(f"the {kind} is at an address that may not be fetched")


def test_a_dry_run_counts_and_checks_nothing(sessions: Sessions, files: Files, gather: Gather) -> None:
    files.pages["/sitemap.xml"] = urlset("https://site.example/a", "https://site.example/b", "https://site.example/b")
    gather("sitemap", f"{files.url}/sitemap.xml")
    for part in sent(sessions):
        check_links(replace(part, links=part.links[:1]), sessions=sessions, checker=Answers(), settings=SETTINGS)
    message = gather("sitemap", f"{files.url}/sitemap.xml", dry_run=True)
    found = source(sessions, message)
    assert (found.new, found.known, found.duplicates) == (1, 1, 1)
    assert (job(sessions, message).state, sent(sessions)) == ("finished", [])


def test_a_cancelled_source_is_not_read_and_one_that_was_is_not_checked(
    sessions: Sessions, engine: Engine, files: Files, gather: Gather
) -> None:
    files.pages["/sitemap.xml"] = urlset("https://site.example/")
    read = gather("sitemap", f"{files.url}/sitemap.xml")
    cancel_parts(CancelParts(read.job_id, ()), sessions=sessions)
    waiting = GatherLinks(wire.new_id(), WORKSPACE, wire.new_id(), "sitemap", f"{files.url}/sitemap.xml", 10)
    cancel_parts(CancelParts(waiting.job_id, (waiting.part_id,)), sessions=sessions)
    run = partial(gather_links, sessions=sessions, reader=engine, settings=SETTINGS)
    run(waiting)
    assert (len(files.hits), sent(sessions)) == (1, [])
    with sessions() as session:
        assert session.get(Job, waiting.job_id) is None
