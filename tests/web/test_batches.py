import json
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient

from contracts import links_pb2
from tasks.intake.models import Outbox
from tasks.links.messages import CheckLinks, GatherLinks, LinkSpec, link_id
from tests.web.conftest import WORKSPACE, MakeClient
from tests.web.neighbours import Neighbours
from web.front import EXTENSION

A, B, C = (f"https://{name}.example/" for name in "abc")
FULL = LinkSpec(A, 3600, ("docs", "public"), "page-1")


def specs(outbox: Callable[[], list[Outbox]]) -> list[LinkSpec]:
    messages = [msgspec.json.decode(each.body, type=CheckLinks) for each in outbox() if each.name == "CheckLinks"]
    return [spec for message in messages for spec in message.links]


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("text/plain", f"{A}\n\n  {B}  \r\n# a comment\n{C}", [LinkSpec(A), LinkSpec(B), LinkSpec(C)]),
        ("text/plain; charset=utf-8", f"\ufeff{A}\n", [LinkSpec(A)]),
        ("text/csv", f"url,interval_s,tags,external_id\n{A},3600,docs;public,page-1\n{B},,,\n", [FULL, LinkSpec(B)]),
        ("text/csv", f'Tags,URL\n"docs, new","{A}?a,b"\n', [LinkSpec(f"{A}?a,b", tags=("docs", "new"))]),
        ("text/csv", f"url;interval_s;tags;external_id\r\n{A};3600;docs,public;page-1\r\n", [FULL]),
        ("text/csv", f'{A}\n"{B}?a,b"\n', [LinkSpec(A), LinkSpec(f"{B}?a,b")]),
        (
            "application/x-ndjson",
            f'{{"url":"{A}","tags":["docs"]}}\n\n"{B}"\n',
            [LinkSpec(A, tags=("docs",)), LinkSpec(B)],
        ),
        ("application/json", json.dumps({"urls": [A, B]}), [LinkSpec(A), LinkSpec(B)]),
        (
            "application/json",
            json.dumps(
                {
                    "links": [
                        {"url": A, "interval_s": 3600, "tags": ["docs", "public"], "external_id": "page-1"},
                        {"url": B},
                    ]
                }
            ),
            [FULL, LinkSpec(B)],
        ),
        (
            "application/json",
            json.dumps({"markdown": f"[a]({A}) ![b]({B})\n\n[up](../x) `{C}` <mailto:a@b.c>"}),
            [LinkSpec(A), LinkSpec(B)],
        ),
        ("text/markdown", f"# T\n\n| a |\n|---|\n| <{A}> |\n\n[b]\n\n[b]: {B}", [LinkSpec(A), LinkSpec(B)]),
        (
            "text/html",
            f'<!DOCTYPE NETSCAPE-Bookmark-file-1>\n<DL><DT><A HREF="{A}" TAGS="docs,new">a</A><DT><A HREF="{B}">b</A>',
            [LinkSpec(A, tags=("docs", "new")), LinkSpec(B)],
        ),
        (
            "text/x-opml",
            f'<opml><body><outline text="x"><outline xmlUrl="{A}" htmlUrl="{B}"/></outline></body></opml>',
            [LinkSpec(B), LinkSpec(A)],
        ),
    ],
)
def test_a_batch_is_read_in_every_format(
    client: FlaskClient, outbox: Callable[[], list[Outbox]], content_type: str, body: str, expected: list[LinkSpec]
) -> None:
    response = client.post("/api/v1/batches", data=body.encode(), content_type=content_type)
    assert response.status_code == 202, response.text
    answer = response.json
    assert (answer["accepted"], answer["duplicates"], answer["rejected_count"]) == (len(expected), 0, 0)
    assert response.headers["Location"] == f"/api/v1/jobs/{answer['job_id']}"
    assert client.get(response.headers["Location"]).json["total"] == len(expected)
    assert specs(outbox) == expected


@pytest.mark.parametrize(
    ("content_type", "body", "line", "reason"),
    [
        ("text/plain", f"{A}\nexample.com/x\n".encode(), 2, "has no scheme"),
        ("text/plain", A.encode() + b"\n\xff\xfe\n", 2, "UTF-8"),
        ("text/plain", b"https://e.org/" + b"a" * 70_000 + b"\n" + A.encode(), 1, "longer than 65,536 bytes"),
        ("text/plain", f"{A}\nhttps://e.org/\x00".encode(), 2, "control character"),
        ("text/csv", f"url,interval_s\n{A},60\n{B},soon\n".encode(), 3, "interval_s"),
        ("text/csv", f"url,interval_s\n{A},60\n{B}\n".encode(), 3, "has 1 columns where 2"),
        ("text/csv", f'url,tags\n{A},x\n"{B},y\n{C},z\n'.encode(), 3, "not closed"),
        ("text/csv", f"url\n{A}\n,\n".encode(), 3, "columns"),
        ("application/x-ndjson", f'"{A}"\n{{"url":\n'.encode(), 2, "JSON"),
        ("application/x-ndjson", f'"{A}"\n{{"link":"{B}"}}\n'.encode(), 2, "unknown field `link`"),
        ("application/x-ndjson", f'"{A}"\n{{"tags":[]}}\n'.encode(), 2, "required field `url`"),
        ("application/x-ndjson", f'"{A}"\n{{"url":"{B}","interval_s":0}}\n'.encode(), 2, "interval_s"),
        ("application/x-ndjson", f'"{A}"\n{"[" * 5000}\n'.encode(), 2, ""),
        ("application/json", json.dumps({"urls": [A, 7]}).encode(), 2, "Expected `str`"),
        ("application/json", json.dumps({"links": [{"url": A}, {"url": B, "tags": ["a\n"]}]}).encode(), 2, "tags"),
    ],
)
def test_a_bad_line_is_told_by_its_number_and_spoils_no_other(
    client: FlaskClient, content_type: str, body: bytes, line: int, reason: str
) -> None:
    answer = client.post("/api/v1/batches", data=body, content_type=content_type).json
    assert answer["accepted"] >= 1
    assert answer["rejected_count"] == 1
    [rejected] = answer["rejected"]
    assert rejected["line"] == line
    assert reason in rejected["reason"]
    assert len(rejected["input"]) <= 500


def test_a_line_that_repeats_another_counts_as_a_duplicate(client: FlaskClient) -> None:
    body = f"{A}\nHTTPS://A.example\n{B}\n"
    answer = client.post("/api/v1/batches", data=body, content_type="text/plain").json
    assert (answer["accepted"], answer["duplicates"]) == (2, 1)


def test_a_batch_without_any_good_line_is_refused_with_the_reasons(
    client: FlaskClient, accepted: Callable[[], tuple[int, int]]
) -> None:
    response = client.post("/api/v1/batches", data="x\ny\n", content_type="text/plain")
    assert response.status_code == 422
    assert [each["line"] for each in response.json["rejected"]] == [1, 2]
    assert response.json["rejected_count"] == 2
    assert [fault["pointer"] for fault in response.json["errors"]] == ["/lines/1", "/lines/2"]
    assert accepted() == (0, 0)
    as_json = client.post("/api/v1/batches", json={"urls": ["x", 7]})
    assert [fault["pointer"] for fault in as_json.json["errors"]] == ["/urls/0", "/urls/1"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", b""),
        ("text/plain", b"\n\n# nothing\n"),
        ("text/csv", b""),
        ("text/csv", b"url\n"),
        ("application/x-ndjson", b"\n"),
        ("application/json", b'{"urls": []}'),
        ("application/json", b"{}"),
        ("application/json", b'{"urls": [], "links": []}'),
        ("application/json", b'{"urls": "https://a.example/"}'),
        ("application/json", b"[]"),
        ("application/json", b'{"url": "https://a.example/"}'),
        ("application/json", b'{"urls": ["https://a.example/"], "markdown": "x"}'),
        ("text/markdown", b"# nothing"),
        ("text/html", b"<a href=/relative>"),
        ("text/csv", b"url,url\nhttps://a.example/,x\n"),
        ("text/csv", b"url,colour\nhttps://a.example/,red\n"),
    ],
)
def test_an_empty_or_misshapen_batch_is_refused(client: FlaskClient, content_type: str, body: bytes) -> None:
    response = client.post("/api/v1/batches", data=body, content_type=content_type)
    assert response.status_code == 422
    assert response.json["errors"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"urls": ["' + b"\xff" + b'"', b'{"urls":' + b"[" * 100_000])
def test_a_body_that_is_no_json_is_malformed(client: FlaskClient, body: bytes) -> None:
    assert client.post("/api/v1/batches", data=body, content_type="application/json").status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/xml"},
        {},
        {"Content-Type": "text/plain; charset=utf-16"},
        {"Content-Type": "text/plain", "Content-Encoding": "gzip"},
    ],
)
def test_other_kinds_of_body_are_refused_with_what_is_read(client: FlaskClient, headers: dict[str, str]) -> None:
    response = client.post("/api/v1/batches", data=f"{A}\n", headers=headers)
    assert response.status_code == 415
    if "Content-Encoding" in headers:
        assert response.headers["Accept-Encoding"] == "identity"
    else:
        assert "application/x-ndjson" in response.headers["Accept-Post"]
        assert response.json["detail"]


def test_a_json_document_over_its_bound_is_told_to_come_line_by_line(client: FlaskClient) -> None:
    response = client.post("/api/v1/batches", data=b" " * (33 * 1024 * 1024), content_type="application/json")
    assert response.status_code == 413
    assert "application/x-ndjson" in response.json["detail"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", "\n" * 11),
        ("text/csv", "".join(f"https://a.example/{number}\n" for number in range(11))),
        ("text/markdown", f"[a]({A}) " * 11),
        ("application/json", json.dumps({"urls": [A] * 11})),
    ],
)
@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_a_batch_of_more_lines_than_may_be_is_refused(
    app: Flask,
    make_client: MakeClient,
    accepted: Callable[[], tuple[int, int]],
    content_type: str,
    body: str,
    query: str,
) -> None:
    found = app.extensions[EXTENSION]
    app.extensions[EXTENSION] = replace(found, settings=replace(found.settings, batch_most=10))
    response = make_client("admin").post(f"/api/v1/batches{query}", data=body, content_type=content_type)
    assert response.status_code == 413
    assert "more than 10 lines; split it" in response.json["detail"]
    assert accepted() == (0, 0)


def test_only_the_first_thousand_rejections_are_named(client: FlaskClient) -> None:
    body = "\n".join([A, *(f"bad-{number}" for number in range(1500))])
    answer = client.post("/api/v1/batches", data=body, content_type="text/plain").json
    assert (answer["rejected_count"], len(answer["rejected"])) == (1500, 1000)


def test_a_hundred_thousand_links_are_one_request(client: FlaskClient, sessions: object) -> None:
    body = "".join(f"https://host{number % 999}.example/page/{number}\n" for number in range(100_000))
    answer = client.post("/api/v1/batches", data=body, content_type="text/plain").json
    assert (answer["accepted"], answer["rejected_count"]) == (100_000, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"<opml>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><opml><outline url="https://a.example/&a;"/></opml>',
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><opml><outline text="&a;"/></opml>',
        b"\xff",
    ],
)
def test_an_outline_that_is_none_is_malformed(client: FlaskClient, body: bytes) -> None:
    assert client.post("/api/v1/batches", data=body, content_type="text/x-opml").status_code == 400


def test_a_dry_run_says_what_would_be_and_accepts_nothing(
    client: FlaskClient,
    neighbours: Neighbours,
    accepted: Callable[[], tuple[int, int]],
    outbox: Callable[[], list[Outbox]],
) -> None:
    known = link_id(WORKSPACE, B)
    neighbours.links.append(links_pb2.Link(id=str(known), url=B))
    body = "\n".join([A, B, A, "nonsense", *(f"https://e.example/{number}" for number in range(6000))])
    response = client.post("/api/v1/batches?dry_run=true", data=body, content_type="text/plain")
    assert response.status_code == 200
    found = response.json
    assert (found["new"], found["known"], found["duplicates"], found["rejected_count"]) == (6001, 1, 1, 1)
    assert found["rejected"][0]["line"] == 4
    assert (accepted(), outbox()) == ((0, 0), [])


def test_links_that_are_not_kept_are_no_links_of_the_workspace(
    client: FlaskClient, outbox: Callable[[], list[Outbox]]
) -> None:
    client.post("/api/v1/batches?keep=false", data=A, content_type="text/plain")
    [message] = [msgspec.json.decode(each.body, type=CheckLinks) for each in outbox() if each.name == "CheckLinks"]
    assert message.keep is False
    assert client.get(f"/api/v1/links/{link_id(WORKSPACE, A)}").status_code == 404


def test_the_same_key_for_kept_and_unkept_links_is_another_request(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "one", "Content-Type": "text/plain"}
    assert client.post("/api/v1/batches", data=A, headers=headers).status_code == 202
    assert client.post("/api/v1/batches?keep=false", data=A, headers=headers).status_code == 422


@pytest.mark.parametrize("query", ["dry_run=maybe", "keep=2", "colour=red"])
def test_a_query_that_is_not_understood_is_refused(client: FlaskClient, query: str) -> None:
    assert client.post(f"/api/v1/batches?{query}", data=A, content_type="text/plain").status_code == 422


@pytest.mark.parametrize("kind", ["sitemap", "page"])
@pytest.mark.parametrize("query", ["", "?keep=false", "?dry_run=true"])
def test_a_source_is_accepted_and_left_to_links_to_fetch(
    client: FlaskClient, outbox: Callable[[], list[Outbox]], kind: str, query: str
) -> None:
    response = client.post(f"/api/v1/batches{query}", json={kind: "HTTPS://Site.example"})
    assert response.status_code == 202
    assert response.json["accepted"] is None
    [message] = [msgspec.json.decode(each.body, type=GatherLinks) for each in outbox() if each.name == "GatherLinks"]
    assert (message.kind, message.url, message.most) == (kind, "https://site.example/", 1_000_000)
    assert (message.keep, message.dry_run) == ("keep" not in query, "dry_run" in query)
    job = client.get(response.headers["Location"]).json
    assert (job["id"], job["state"], job["total"], job["source"]) == (str(message.job_id), "queued", 0, None)


def test_what_came_of_a_source_is_told_with_its_job(client: FlaskClient, neighbours: Neighbours) -> None:
    accepted = client.post("/api/v1/batches", json={"sitemap": A}).json
    told = links_pb2.JobSource(kind="sitemap", url=A, error="the sitemap answered 404")
    neighbours.jobs[accepted["job_id"]] = links_pb2.Job(id=accepted["job_id"], state="finished", source=told)
    job = client.get(f"/api/v1/jobs/{accepted['job_id']}").json
    assert job["state"] == "finished"
    assert job["source"]["error"] == "the sitemap answered 404"
    assert (job["source"]["new"], job["source"]["known"]) == (None, None)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"sitemap": "site.example/sitemap.xml"}, "/sitemap"),
        ({"page": "ftp://site.example/"}, "/page"),
        ({"page": "https://user:secret@site.example/"}, "/page"),
        ({"page": ["https://site.example/"]}, "/page"),
        ({"page": A, "sitemap": A}, ""),
    ],
)
def test_a_source_that_cannot_be_fetched_is_refused_at_once(
    client: FlaskClient, accepted: Callable[[], tuple[int, int]], body: object, pointer: str
) -> None:
    response = client.post("/api/v1/batches", json=body)
    assert response.status_code == 422
    assert response.json["errors"][0]["pointer"] == pointer
    assert accepted() == (0, 0)
