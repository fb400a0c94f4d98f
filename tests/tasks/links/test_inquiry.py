"""What is asked of servers beside the links themselves: seldom, at nobody's expense, and for all who wait."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network

import pytest

from tasks.links.fetch import Engine, EngineSettings, Result, Target
from tasks.links.options import CheckOptions
from tests.servers.behaviour import BehaviourServer

SETTINGS = EngineSettings(
    allow_networks=(ip_network("127.0.0.0/8"), ip_network("::1/128")),
    host_concurrency=0,
    host_interval_ms=0,
    backoff_cap_s=0,
    connect_timeout_s=1.0,
    total_timeout_s=2.0,
    retry_delay_s=0.05,
)


@pytest.fixture
def server() -> Iterator[BehaviourServer]:
    with BehaviourServer() as running:
        yield running


def checked(settings: EngineSettings, *targets: Target) -> list[Result]:
    engine = Engine(settings)
    results = engine.check(targets)
    engine.close()
    return results


def reasons(results: list[Result]) -> set[str]:
    return {result.reason.value for result in results}


def test_robots_txt_is_fetched_once_for_all_links_of_a_server(server: BehaviourServer) -> None:
    base = server.bases["robots-deny"]
    urls = [f"{base}/{path}?{number}" for number in range(50) for path in ("ok", "status/200")]
    results = checked(replace(SETTINGS, robots=True), *map(Target, urls))
    assert [result.reason.value for result in results] == ["robots_disallowed", "ok"] * 50
    assert server.hits("/robots.txt") == 1
    assert not any(server.hits(f"/ok?{number}") for number in range(50))


def test_what_robots_txt_forbids_is_not_asked_for_and_says_so(server: BehaviourServer) -> None:
    (result,) = checked(replace(SETTINGS, robots=True), Target(f"{server.bases['robots-deny']}/ok"))
    assert (result.verdict, result.status_code, result.methods, result.hops) == ("inconclusive", None, (), ())
    assert "robots.txt" in result.detail


def test_a_robots_txt_that_never_comes_costs_the_link_no_time(server: BehaviourServer) -> None:
    settings = replace(SETTINGS, robots=True, total_timeout_s=0.5)
    (result,) = checked(settings, Target(f"{server.bases['robots-slow']}/ok"))
    assert result.reason == "ok"
    assert result.timings_ms["total"] < 300
    assert (result.finished_at - result.started_at).total_seconds() < 0.3


def test_nothing_is_asked_beside_the_link_unless_it_is_set(server: BehaviourServer) -> None:
    checked(SETTINGS, Target(f"{server.bases['both']}/ok"), Target(f"{server.bases['plain']}/soft/gone"))
    assert sum(server.memory.hits.values()) == 2


def test_https_is_asked_for_once_for_all_links_of_a_server(server: BehaviourServer) -> None:
    urls = [f"{server.bases['both']}/ok?{number}" for number in range(20)]
    settings = replace(SETTINGS, suggest_https=True, ca_file=server.ca_file)
    results = checked(settings, *map(Target, urls))
    assert reasons(results) == {"insecure_http"}
    assert [result.suggested_url for result in results] == [url.replace("http:", "https:") for url in urls]
    assert sum(server.memory.hits.values()) == 21


def test_https_that_cannot_be_trusted_is_not_suggested(server: BehaviourServer) -> None:
    (result,) = checked(replace(SETTINGS, suggest_https=True), Target(f"{server.bases['both']}/ok"))
    assert (result.reason, result.suggested_url) == ("ok", None)


def test_a_random_path_is_asked_for_once_for_all_links_of_a_folder(server: BehaviourServer) -> None:
    plain = server.bases["plain"]
    urls = [f"{plain}/{page}?link={number}" for number in range(10) for page in ("soft/gone", "status/200")]
    results = checked(replace(SETTINGS, soft_404=True), *map(Target, urls))
    assert [result.reason.value for result in results] == ["soft_404_suspected", "ok"] * 10
    strangers = [path for path in server.memory.hits if "link=" not in path]
    assert len(strangers) == 2


def test_only_what_may_be_a_soft_404_is_fetched_whole(server: BehaviourServer) -> None:
    plain = server.bases["plain"]
    honest, lying = checked(replace(SETTINGS, soft_404=True), Target(f"{plain}/ok"), Target(f"{plain}/soft/real"))
    assert (honest.methods, lying.methods) == (("HEAD",), ("HEAD", "GET"))


def test_all_of_it_together_is_no_trouble(server: BehaviourServer) -> None:
    settings = replace(SETTINGS, robots=True, soft_404=True, suggest_https=True, slow_ms=5000, ca_file=server.ca_file)
    results = checked(
        settings,
        Target(f"{server.bases['both']}/ok"),
        Target(f"{server.bases['robots-agent']}/ok"),
        Target(f"{server.bases['refused']}/"),
        Target(f"{server.bases['plain']}/soft/gone", full=True),
        Target("http://no-such-name.invalid/a/b"),
    )
    assert [result.reason.value for result in results] == [
        "insecure_http",
        "robots_disallowed",
        "connection_refused",
        "soft_404_suspected",
        "dns_nxdomain",
    ]


def test_a_page_that_is_longer_than_the_cap_is_read_to_the_cap(server: BehaviourServer) -> None:
    url = f"{server.bases['plain']}/article-long#last"
    (result,) = checked(replace(SETTINGS, body_cap_bytes=65_536), Target(url))
    assert (result.reason, result.methods) == ("ok", ("GET",))
    assert result.bytes_read < 1_000_000


@pytest.mark.parametrize("path", ["/endless#part", "/gzip-bomb#part", "/big#part"])
def test_a_body_without_end_is_let_go_of(server: BehaviourServer, path: str) -> None:
    (result,) = checked(SETTINGS, Target(server.bases["plain"] + path))
    assert (result.reason, result.attempts) == ("ok", 1)


def test_headers_of_one_link_are_not_sent_for_another(server: BehaviourServer) -> None:
    url = f"{server.bases['plain']}/needs-token"
    secret = CheckOptions(request_headers={"X-Token": "sesame", "Accept": "x/y"})
    engine = Engine(replace(SETTINGS, concurrency=1))
    seen = [engine.check([Target(url, options=options)])[0].status_code for options in (secret, None, secret)]
    assert seen == [200, 403, 200]
    engine.check([Target(f"{server.bases['plain']}/ok?headers", options=secret)])
    assert server.memory.headers["/ok?headers"]["accept"] == "x/y"
    engine.check([Target(f"{server.bases['plain']}/ok?headers")])
    engine.close()
    assert server.memory.headers["/ok?headers"]["accept"].startswith("text/html")


def test_a_secret_header_goes_nowhere_but_to_the_links_own_server(server: BehaviourServer) -> None:
    other = server.bases["robots-403"]
    secret = CheckOptions(request_headers={"X-Token": "sesame"})
    url = f"{server.bases['plain']}/redirect-to/302?url={other}/needs-token"
    (away,) = checked(SETTINGS, Target(url, options=secret))
    (home,) = checked(SETTINGS, Target(f"{server.bases['plain']}/redirect-to/302?url=/needs-token", options=secret))
    assert (away.reason, home.reason) == ("forbidden", "redirected_temporary")


def test_options_that_cannot_be_used_cost_only_their_own_check(server: BehaviourServer) -> None:
    url = f"{server.bases['plain']}/ok"
    bad, good = checked(SETTINGS, Target(url, options=CheckOptions(method="BREW")), Target(url))
    assert (bad.reason, good.reason) == ("checker_error", "ok")
    assert "method" in bad.detail
