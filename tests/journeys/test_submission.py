"""Submit, see it checked, read it back."""

import time
from itertools import islice

from tasks.urls import normalise
from tests.journeys.system import System, fresh
from tests.servers.behaviour import BehaviourServer
from tests.servers.files import Files


def test_a_single_link_is_readable_at_once_and_checked_soon(system: System, behaviour: BehaviourServer) -> None:
    url = behaviour.bases["plain"] + fresh("/status/200")
    response = system.call("POST", "/links", json={"url": url, "tags": ["docs"], "external_id": "page-1"})
    assert response.status_code == 202
    accepted = response.json()
    assert response.headers["Location"] == f"/api/v1/links/{accepted['id']}"
    at_once = system.get(f"/links/{accepted['id']}")
    assert at_once["url"] == url
    system.finished(accepted["job_id"])
    link = system.get(f"/links/{accepted['id']}")
    assert (link["state"], link["verdict"], link["reason"], link["status_code"]) == ("up", "ok", "ok", 200)
    assert (link["tags"], link["external_id"]) == (["docs"], "page-1")
    [check] = system.get(f"/links/{accepted['id']}/checks")["items"]
    assert check["hops"][0]["ip"] == "127.0.0.1"


def test_the_same_key_and_payload_is_one_submission(system: System, behaviour: BehaviourServer) -> None:
    body = {"url": behaviour.bases["plain"] + fresh("/status/200")}
    headers = {"Idempotency-Key": fresh("key")}
    first = system.call("POST", "/links", json=body, headers=headers)
    again = system.call("POST", "/links", json=body, headers=headers)
    other = system.call("POST", "/links", json={"url": body["url"] + "x"}, headers=headers)
    assert first.json() == again.json()
    assert (again.status_code, other.status_code) == (202, 422)


def test_a_bad_line_is_named_and_the_rest_is_checked(system: System, behaviour: BehaviourServer) -> None:
    good, bad = behaviour.bases["plain"] + fresh("/status/200"), "http://[::1/"
    response = system.call("POST", "/batches", data=f"{good}\n{bad}\n{good}\n", headers={"Content-Type": "text/plain"})
    answer = response.json()
    assert (answer["accepted"], answer["duplicates"]) == (1, 1)
    assert [(each["line"], each["input"]) for each in answer["rejected"]] == [(2, bad)]
    assert system.finished(answer["job_id"])["verdicts"]["ok"] == 1


def test_five_thousand_links_of_every_kind_get_the_verdicts_that_are_written(
    system: System, behaviour: BehaviourServer
) -> None:
    rows = islice(((url, row) for url, row in behaviour.urls(10_000) if not row.options), 5_000)
    expected = {normalise(url): (row.verdict, row.reason) for url, row in rows}
    began = time.monotonic()
    job_id = system.submit(list(expected))
    assert time.monotonic() - began < 2
    job = system.finished(job_id, within_s=240)
    assert job["done"] == job["total"] == len(expected)
    results = system.all(f"/jobs/{job_id}/results")
    found = {each["url"]: (each["verdict"], each["reason"]) for each in results}
    assert len(results) == len(found) == len(expected), "every link exactly once"
    wrong = {url: (found[url], expected[url]) for url in expected if found[url] != expected[url]}
    assert not wrong
    assert sum(job["verdicts"].values()) == len(expected)


def test_another_workspaces_or_nobodys_things_are_not_found(system: System) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    for path in (f"/links/{nobody}", f"/jobs/{nobody}", f"/links/{nobody}/checks", "/links/not-an-id"):
        response = system.call("GET", path)
        assert response.status_code == 404, path
        assert response.headers["Content-Type"] == "application/problem+json"


def test_nothing_is_open_without_a_key(system: System) -> None:
    system_without_key = System(system.product, system.backing, "pra_wrong")
    response = system_without_key.call("GET", "/links")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert response.json()["trace_id"]


def test_the_links_of_a_sitemap_and_of_a_page_are_checked(system: System) -> None:
    with Files() as site:
        site.pages |= {
            "/sitemap.xml": (f"<urlset><url><loc>{site.url}/a</loc></url></urlset>".encode(), "application/xml"),
            "/a": (b"<a href='/b'>b</a><a href='/gone'>gone</a>", "text/html"),
            "/b": (b"<p>b</p>", "text/html"),
        }
        found = {}
        for body in ({"sitemap": f"{site.url}/sitemap.xml"}, {"page": f"{site.url}/a"}):
            job = system.finished(system.post("/batches", body)["job_id"])
            assert job["total"] == job["done"]
            found |= {each["url"]: each["reason"] for each in system.all(f"/jobs/{job['id']}/results")}
        assert found == {f"{site.url}/a": "ok", f"{site.url}/b": "ok", f"{site.url}/gone": "http_404"}


def test_a_source_that_may_not_be_fetched_is_told_in_its_job(system: System) -> None:
    job = system.finished(system.post("/batches", {"sitemap": "http://10.0.0.1/sitemap.xml"})["job_id"])
    assert (job["total"], job["done"]) == (0, 0)
    assert "may not be fetched" in job["source"]["error"]


def test_five_hundred_fragments_of_a_page_are_one_request(system: System, behaviour: BehaviourServer) -> None:
    plain, page = behaviour.bases["plain"], fresh("/article")
    behind = fresh("/redirect-to/302?url=/article").replace("?story=", "&story=")
    kept = ["#here", "#menu", "#:~:text=lazy%20dog", ""]
    missing = [f"#part-{number}" for number in range(246)]
    job = system.submit([f"{plain}{path}{fragment}" for path in (page, behind) for fragment in kept + missing])
    system.finished(job)
    reasons = {each["url"].removeprefix(plain): each["reason"] for each in system.all(f"/jobs/{job}/results")}
    assert reasons == {
        **{page + fragment: "ok" for fragment in kept},
        **{page + fragment: "fragment_missing" for fragment in missing},
        **{behind + fragment: "redirected_temporary" for fragment in kept},
        **{behind + fragment: "fragment_missing" for fragment in missing},
    }
    assert behaviour.hits(page) == behaviour.hits(behind) == 1
