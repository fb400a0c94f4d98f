"""What is read of a sitemap, whoever wrote it."""

import gzip
import time

import pytest

from tasks.links.sitemap import LARGEST, NoSitemap, read

A, B = "https://a.example/", "https://b.example/x?y=1&z=2"
URLSET = f"<?xml version='1.0'?><urlset><url><loc>{A}</loc></url>\n<url><loc>\n {B.replace('&', '&amp;')} </loc></url>"


@pytest.mark.parametrize(
    ("body", "is_index", "names"),
    [
        (URLSET.encode(), False, [A, B]),
        (b"\xef\xbb\xbf  " + URLSET.encode(), False, [A, B]),
        (gzip.compress(URLSET.encode(), mtime=0), False, [A, B]),
        (f"<sitemapindex><sitemap><loc>{A}</loc></sitemap></sitemapindex>".encode(), True, [A]),
        (f"<s:sitemapindex><s:sitemap><s:loc>{A}</s:loc>".encode(), True, [A]),
        (f"<urlset><url><loc><![CDATA[ {B} ]]></loc></url></urlset>".encode(), False, [B]),
        (f"<urlset><image:loc>{A}</image:loc><location>{B}</location></urlset>".encode(), False, [A]),
        (b"<urlset></urlset>", False, []),
        (f"{A}\r\n\n  {B}  \nnothing\n".encode(), False, [A, B]),
        (gzip.compress(f"\n{A}".encode(), mtime=0), False, [A]),
    ],
)
def test_a_sitemap_is_read_in_every_form(body: bytes, is_index: bool, names: list[str]) -> None:
    found = read(body)
    assert (found[0], list(found[1])) == (is_index, names)


def test_a_name_may_lie_across_the_pieces_in_which_a_sitemap_is_read() -> None:
    names = [f"https://a.example/{number}/{'x' * (number % 97)}" for number in range(60_000)]
    xml = "<urlset>" + "".join(f"<url><loc>{name}</loc></url>" for name in names)
    assert list(read(xml.encode())[1]) == names
    assert list(read(gzip.compress("\n".join(names).encode(), 1))[1]) == names


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "names no URL"),
        (b"Not found.", "names no URL"),
        (b'{"urls": []}', "names no URL"),
        (b"\x1f\x8bnonsense", "not gzip"),
        (gzip.compress(URLSET.encode() * 99, mtime=0)[:-60], "cut short"),
        (gzip.compress(b"<urlset>" + b" " * LARGEST, mtime=0), "unpacks to more than 50 MiB"),
    ],
)
def test_what_is_no_sitemap_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(NoSitemap, match=why):
        list(read(body)[1])


@pytest.mark.parametrize("filling", [b"<loc> ", b" ", b"]", b"a", b"<loc><![CDATA[", b"https://"])
def test_no_sitemap_takes_long_to_read(filling: bytes) -> None:
    body = b"<urlset><loc>" + filling * (LARGEST // 8 // len(filling))
    began = time.process_time()
    list(read(body)[1])
    assert time.process_time() - began < 2
