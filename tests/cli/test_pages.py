import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cli import pages

SET = '<?xml version="1.0"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{}</urlset>'
INDEX = '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{}</sitemapindex>'


class Site:
    """What is served, by path."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the library's name
                body = site.answers.get(self.path)
                self.send_response(404 if body is None else 200)
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def add(self, path: str, text: str, packed: bool = False) -> str:
        """Serve a text; returns its URL."""
        self.answers[path] = gzip.compress(text.encode()) if packed else text.encode()
        return self.url + path


@pytest.fixture
def site() -> Iterator[Site]:
    """A web site on this machine."""
    found = Site()
    thread = threading.Thread(target=found.server.serve_forever)
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


def listed(url: str) -> list[tuple[str, str, int]]:
    return [(sitemap, reference.target, reference.line) for sitemap, reference in pages.sitemap(url)]


def test_a_sitemap_lists_pages_by_line(site: Site) -> None:
    text = "\n<url><loc>https://e.org/?a=1&amp;b=2</loc></url>\n<url><loc><![CDATA[https://e.org/c]]></loc></url>"
    url = site.add("/sitemap.xml", SET.format(text))
    assert listed(url) == [(url, "https://e.org/?a=1&b=2", 3), (url, "https://e.org/c", 4)]


def test_an_index_is_followed_once_also_where_it_is_compressed_or_leads_back(site: Site) -> None:
    first = site.add("/1.xml.gz", SET.format("<url><loc>https://e.org/1</loc></url>"), packed=True)
    second = site.add("/2.txt", "https://e.org/2\n")
    index = f"{site.url}/index.xml"
    entries = "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in (first, second, first, index))
    site.add("/index.xml", INDEX.format(entries))
    assert listed(index) == [(first, "https://e.org/1", 2), (second, "https://e.org/2", 1)]


def test_a_page_is_read_with_the_address_at_which_it_is(site: Site) -> None:
    url = site.add("/page", "<a href=x>ä</a>")
    assert pages.fetch(url) == ("<a href=x>ä</a>", url)


def test_what_cannot_be_fetched_or_read_is_said(site: Site) -> None:
    with pytest.raises(pages.Unreadable, match="404"):
        listed(f"{site.url}/nothing")
    with pytest.raises(pages.Unreadable, match="cannot be fetched"):
        listed("http://127.0.0.1:9/")
    site.answers["/broken.gz"] = b"\x1f\x8bnonsense"
    with pytest.raises(pages.Unreadable, match="not gzip"):
        listed(f"{site.url}/broken.gz")


def test_a_bomb_is_not_unpacked(site: Site) -> None:
    site.answers["/bomb.gz"] = gzip.compress(bytes(pages.LARGEST + 1))
    with pytest.raises(pages.Unreadable, match="unpacks to more than 64 MiB"):
        listed(f"{site.url}/bomb.gz")
