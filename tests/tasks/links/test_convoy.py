"""Links of one page are one request, and each is judged as if it were alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import ip_network

import pytest

from tasks.links.convoy import groups
from tasks.links.fetch import Engine, EngineSettings, Result, Target
from tasks.links.options import CheckOptions, HostLimits
from tests.servers.behaviour import BehaviourServer

SETTINGS = EngineSettings(
    allow_networks=(ip_network("127.0.0.0/8"),),
    host_concurrency=0,
    host_interval_ms=0,
    backoff_cap_s=0,
    connect_timeout_s=1.0,
    total_timeout_s=2.0,
    retry_delay_s=0.05,
)
FRAGMENTS = ("#here", "#nowhere", "#:~:text=lazy%20dog", "#:~:text=lazy%20cat", "#top", "#/route", "#menu", "#readme")

Checked = Callable[..., list[Result]]


@pytest.fixture(scope="module")
def server() -> Iterator[BehaviourServer]:
    with BehaviourServer() as running:
        yield running


@pytest.fixture
def checked() -> Checked:
    """Call to have targets checked together, by an engine of its own; keywords are settings."""

    def check(*targets: Target, **changes: object) -> list[Result]:
        engine = Engine(replace(SETTINGS, **changes))  # type: ignore[arg-type]  # checked by the dataclass
        try:
            return engine.check(targets)
        finally:
            engine.close()

    return check


def essence(result: Result) -> tuple[object, ...]:
    """What does not depend on the moment."""
    return (
        result.judgement,
        result.status_code,
        result.final_url,
        result.suggested_url,
        result.hops,
        result.methods,
        result.attempts,
        result.retry_after_s,
        result.detail,
    )


@pytest.mark.parametrize(
    ("path", "requests"),
    [
        ("/article", 1),
        ("/article-latin1", 1),
        ("/article-long", 1),
        ("/script", 1),
        ("/pdf", 1),
        ("/redirect-to/301?url=/article", 2),
        ("/redirect-to/302?url=/article%23here", 2),
        ("/redirect-to/302?url=/article%23nowhere", 2),
        ("/redirect-to/301?url=/", 2),
        ("/status/404", 1),
        ("/status/403", 1),
        ("/rate-limited", 1),
        ("/status/500", 2),
        ("/truncated", 2),
        ("/reset", 2),
        ("/redirect-loop", 3),
        ("/cookie-wall/302", 2),
        ("/no-content-type", 1),
    ],
)
def test_each_is_judged_as_if_it_were_alone(
    server: BehaviourServer, checked: Checked, path: str, requests: int
) -> None:
    # By GET, as a link without an anchor is otherwise asked for by HEAD when it is alone.
    targets = [Target(f"{server.bases['plain']}{path}{fragment}", full=True) for fragment in (*FRAGMENTS, "")]
    alone = [checked(target)[0] for target in targets]
    before = sum(server.memory.hits.values())
    together = checked(*targets)
    assert [essence(each) for each in together] == [essence(each) for each in alone]
    assert sum(server.memory.hits.values()) - before <= requests
    assert len({(each.started_at, str(each.timings_ms)) for each in together}) == 1


def test_a_link_without_a_fragment_takes_the_page_that_the_others_need(
    server: BehaviourServer, checked: Checked
) -> None:
    url = f"{server.bases['plain']}/article?beside"
    bare, here, missing = checked(*(Target(f"{url}{fragment}") for fragment in ("", "#here", "#nowhere")))
    assert [each.reason.value for each in (bare, here, missing)] == ["ok", "ok", "fragment_missing"]
    assert (bare.methods, bare.final_url) == (("GET",), url)
    assert server.hits("/article?beside") == 1


def test_states_of_a_script_are_one_head(server: BehaviourServer, checked: Checked) -> None:
    url = f"{server.bases['plain']}/script?states"
    results = checked(*(Target(f"{url}#/{number}") for number in range(20)))
    assert {(each.reason.value, each.methods) for each in results} == {("ok", ("HEAD",))}
    assert server.hits("/script?states") == 1


def test_what_is_asked_otherwise_is_asked_apart(server: BehaviourServer, checked: Checked) -> None:
    url = f"{server.bases['plain']}/needs-token?apart"
    secret = CheckOptions(request_headers={"X-Token": "sesame"})
    targets = [Target(f"{url}#{number}", options=options) for number in range(5) for options in (None, secret)]
    assert [each.status_code for each in checked(*targets)] == [403, 200] * 5
    assert server.hits("/needs-token?apart") == 2


def test_a_host_without_an_answer_is_asked_once_for_all(server: BehaviourServer, checked: Checked) -> None:
    refused, unknown = server.bases["refused"], "http://no-such-name.invalid"
    targets = [Target(f"{base}/#{number}") for base in (refused, unknown) for number in range(3)]
    results = checked(*targets)
    assert [each.reason.value for each in results] == ["connection_refused"] * 3 + ["dns_nxdomain"] * 3
    assert [each.final_url for each in results] == [target.url for target in targets]
    assert len({each.detail for each in results}) == 2


def test_all_are_put_back_together_when_their_host_wants_to_be_left_alone(
    server: BehaviourServer, checked: Checked
) -> None:
    url = f"{server.bases['plain']}/rate-limited?together"
    targets = [Target(f"{url}#{number}") for number in range(50)]
    results = checked(*targets, backoff_cap_s=3600.0)
    assert {each.reason.value for each in results} == {"rate_limited"}
    assert len({each.wait_s for each in results}) == 1
    assert (results[0].wait_s or 0) > 100
    assert server.hits("/rate-limited?together") == 1


def test_all_are_put_back_together_when_their_turn_is_far_off(server: BehaviourServer, checked: Checked) -> None:
    plain = server.bases["plain"]
    before = [Target(f"{plain}/ok?before={number}") for number in range(6)]
    behind = [Target(f"{plain}/article?behind#{number}") for number in range(20)]
    slow = HostLimits(concurrency=1, interval_ms=100)
    targets = [replace(target, limits=slow) for target in (*before, *behind)]
    results = checked(*targets, queue_s=0.05)[len(before) :]
    assert {(each.reason.value, each.paced) for each in results} == {("host_backoff", True)}
    assert len({each.wait_s for each in results}) == 1
    assert [each.final_url for each in results] == [target.url for target in behind]
    assert server.hits("/article?behind") == 0


def test_robots_and_soft_404s_are_asked_for_once_and_believed_by_all(server: BehaviourServer, checked: Checked) -> None:
    denied, lying = f"{server.bases['robots-deny']}/ok", f"{server.bases['plain']}/soft/gone?all"
    targets = [Target(f"{url}#{number}") for url in (denied, lying) for number in range(10)]
    results = checked(*targets, robots=True, soft_404=True)
    assert [each.reason.value for each in results] == ["robots_disallowed"] * 10 + ["soft_404_suspected"] * 10
    assert (server.hits("/soft/gone?all"), server.hits("/robots.txt")) == (1, 2)


def test_who_would_have_gone_another_way_goes_it(server: BehaviourServer, checked: Checked) -> None:
    """Only where nothing weightier is to be said is it asked whether there is https."""
    url = f"{server.bases['both']}/ok?way"
    missing, fine = checked(Target(f"{url}#nowhere"), Target(f"{url}#top"), suggest_https=True, ca_file=server.ca_file)
    assert (missing.reason, fine.reason) == ("fragment_missing", "insecure_http")
    assert fine.suggested_url == f"{url}#top".replace("http:", "https:")


def test_hundreds_of_texts_in_a_long_page_are_taken_apart_once(server: BehaviourServer, checked: Checked) -> None:
    url = f"{server.bases['plain']}/article-long"
    targets = [Target(f"{url}#:~:text=word{number}") for number in range(250)]
    targets += [Target(f"{url}#part{number}") for number in range(250)]
    results = checked(*targets, body_cap_bytes=4_000_000)
    assert [each.reason.value for each in results] == ["text_fragment_missing"] * 250 + ["fragment_missing"] * 250
    assert (max(each.finished_at for each in results) - results[0].started_at).total_seconds() < 10


def test_only_links_of_one_page_that_are_asked_for_alike_belong_together() -> None:
    page, options = "https://a.example/page", CheckOptions(required_text=("word",))
    targets = [
        Target(page),
        Target(f"{page}#one"),
        Target(f"{page}?q#one"),
        Target(f"{page}#two", full=True),
        Target(f"{page}#two"),
        Target(f"{page}#two", options=options),
        Target(f"{page}#three", options=replace(options)),
        Target("mailto:someone@a.example#one"),
        Target("mailto:someone@a.example#two"),
        Target("https://a.example/other"),
        Target("https://a.example/other"),
    ]
    assert groups(targets) == [[0, 1, 4], [5, 6]]
