"""Every behaviour that needs an option or a setting, through the whole product: submitted, stored, obeyed, recorded."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from tasks.links.options import CheckOptions
from tasks.urls import normalise
from tests.journeys.system import System, fresh, wait_for
from tests.servers.behaviour import BEHAVIOURS, Behaviour, BehaviourServer

# What no API accepts; see `test_what_cannot_be_obeyed_is_refused_by_its_place` of the front API.
REFUSED = "checker_error"
DEFAULTS = msgspec.to_builtins(CheckOptions())
# All behaviours live on few hosts, so each link has what it needs, and none has it by its host.
ROWS = [row for row in BEHAVIOURS if (row.options or row.settings) and row.reason != REFUSED]


def options_of(row: Behaviour) -> dict[str, Any]:
    """The options as a client writes them; a setting of the engine is an option of the same name."""
    own = msgspec.to_builtins(row.options or CheckOptions())
    return {name: value for name, value in own.items() if value != DEFAULTS[name]} | dict(row.settings)


def test_every_behaviour_that_needs_an_option_gets_its_verdict(system: System, behaviour: BehaviourServer) -> None:
    number = int(fresh().partition("=")[2][:6], 16)
    expected: dict[str, tuple[str, str, str | None]] = {}
    lines = []
    for place, row in enumerate(ROWS):
        url = behaviour.url(row, number * 1000 + place)
        expected[normalise(url)] = behaviour.expected(row)
        lines.append(json.dumps({"url": url, "options": options_of(row)}))
    response = system.call(
        "POST", "/batches", data="\n".join(lines).encode(), headers={"Content-Type": "application/x-ndjson"}
    )
    assert (response.status_code, response.json()["rejected_count"]) == (202, 0), response.text
    job = response.json()["job_id"]
    system.finished(job, within_s=120)
    results = system.all(f"/jobs/{job}/results")
    found = {each["url"]: (each["verdict"], each["reason"], each["permanence"]) for each in results}
    wrong = {url: (found.get(url), expected[url]) for url in expected if found.get(url) != expected[url]}
    assert not wrong
    assert len(found) == len(ROWS) >= 60


def test_a_private_page_is_checked_by_its_hosts_policy_and_nobody_reads_the_secret(
    system: System, behaviour: BehaviourServer
) -> None:
    host = "localhost"
    page = f"{behaviour.bases['plain'].replace('127.0.0.1', host)}/needs-token"
    path = f"/hosts/{host}/policy"

    def verdict(url: str) -> tuple[str, str]:
        job = system.post("/links", {"url": url})["job_id"]
        system.finished(job)
        [result] = system.all(f"/jobs/{job}/results")
        return result["verdict"], result["reason"]

    assert verdict(page) == ("inconclusive", "forbidden")
    made = system.call("PUT", path, json={"options": {"request_headers": {"X-Token": "sesame"}}})
    assert made.status_code == 200, made.text
    try:
        assert verdict(page) == ("ok", "ok")
        elsewhere = f"{behaviour.bases['plain']}{fresh('/redirect-to/302')}&url={page}"
        assert verdict(elsewhere) == ("ok", "redirected_temporary"), "the host's own, where a redirect leads to it"
        astray = f"{behaviour.bases['plain']}/needs-token{fresh()}"
        assert verdict(astray) == ("inconclusive", "forbidden"), "another host's"
        assert "sesame" not in system.call("GET", path).text
        policy = system.get(path)
        policy = {"concurrency": 2, "options": policy["options"]}
        assert system.call("PUT", path, json=policy, headers={"If-Match": "*"}).status_code == 200
        assert verdict(page) == ("ok", "ok"), "what comes back as set stays"
        told = wait_for(lambda: system.all("/audit/events", action="policy.edited") or None, 20, "the edit on record")
        assert (told[0]["resource_name"], "sesame" in json.dumps(told)) == (host, False)
    finally:
        assert system.call("DELETE", path).status_code == 204


def test_a_workspace_that_wants_to_know_at_once_does(system: System, behaviour: BehaviourServer) -> None:
    before = system.get("/policy")
    system.call("PUT", "/policy", json={"confirm_hard": 1, "min_confirm_s": 0}, headers={"If-Match": "*"})
    try:
        link = system.post("/links", {"url": behaviour.bases["plain"] + fresh("/status/404")})
        system.finished(link["job_id"])
        assert system.get(f"/links/{link['id']}")["state"] == "broken"
    finally:
        kept = {name: value for name, value in before.items() if name not in ("version", "updated_at")}
        assert system.call("PUT", "/policy", json=kept, headers={"If-Match": "*"}).status_code == 200
