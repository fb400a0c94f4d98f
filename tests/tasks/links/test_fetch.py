"""The engine, through real sockets against a server that behaves in every way a link can."""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest

from tasks.links.fetch import Engine, EngineClosed, EngineSettings, Result, Target
from tasks.links.resolve import Lookup, system_lookup
from tasks.links.verdict import Reason
from tests.servers.behaviour import BEHAVIOURS, Behaviour, BehaviourServer
from tests.servers.canary import Canary, canary

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
SETTINGS = EngineSettings(
    allow_networks=LOOPBACK,
    host_concurrency=0,
    host_interval_ms=0,
    backoff_cap_s=0,
    connect_timeout_s=1.0,
    total_timeout_s=2.0,
    retry_delay_s=0.05,
)

SELF_EXPLAINING = (Reason.OK, Reason.REDIRECTED_TEMPORARY, Reason.REDIRECTED_PERMANENT)
Rows = dict[bool, dict[Behaviour, Result]]


@pytest.fixture(scope="module")
def server() -> Iterator[BehaviourServer]:
    with BehaviourServer() as running:
        yield running


@pytest.fixture(scope="module")
def settings(server: BehaviourServer) -> EngineSettings:
    return replace(SETTINGS, ca_file=server.ca_file)


@pytest.fixture
def engine(settings: EngineSettings) -> Iterator[Engine]:
    running = Engine(settings)
    yield running
    running.close()


@pytest.fixture(scope="module")
def rows(server: BehaviourServer, settings: EngineSettings) -> Rows:
    """Every behaviour, checked once from HEAD and once by GET, all at the same time."""
    found: Rows = {}
    for full in (False, True):
        found[full] = {}
        for changes, slow in {(row.settings, row.slow): None for row in BEHAVIOURS}:
            rows = [row for row in BEHAVIOURS if (row.settings, row.slow) == (changes, slow)]
            patience = {} if slow else {"connect_timeout_s": 10.0, "total_timeout_s": 20.0}
            engine = engine_with(settings, **patience, **dict(changes))
            results = engine.check([Target(server.url(row, int(full)), full, row.options) for row in rows])
            engine.close()
            found[full] |= zip(rows, results, strict=True)
    return found


def names(row: Behaviour) -> str:
    return f"{row.listener}{row.path}-{row.reason}"


def check(engine: Engine, url: str, full: bool = False) -> Result:
    return engine.check([Target(url, full)])[0]


def engine_with(settings: EngineSettings, lookup: Lookup = system_lookup, **changes: object) -> Engine:
    return Engine(replace(settings, **changes), lookup)  # type: ignore[arg-type]  # checked by the dataclass


# ------------------------------------------------------------------------------------------------ verdicts


@pytest.mark.parametrize("row", BEHAVIOURS, ids=names)
@pytest.mark.parametrize("full", [False, True], ids=["head", "full"])
def test_every_behaviour_gets_its_verdict(row: Behaviour, full: bool, rows: Rows, server: BehaviourServer) -> None:
    result = rows[full][row]
    assert (result.verdict, result.reason, result.permanence) == server.expected(row, full), result


def test_there_is_hardly_a_behaviour_that_is_not_here() -> None:
    distinct = {(row.listener, row.path, row.options, row.settings) for row in BEHAVIOURS}
    assert len(distinct) == len(BEHAVIOURS) >= 200


@pytest.mark.parametrize("row", BEHAVIOURS, ids=names)
def test_a_full_check_asks_by_get_alone(row: Behaviour, rows: Rows) -> None:
    pinned = row.options is not None and row.options.method == "HEAD"
    assert "HEAD" not in rows[True][row].methods or pinned


@pytest.mark.parametrize("row", BEHAVIOURS, ids=names)
def test_what_is_wrong_is_said_in_words(row: Behaviour, rows: Rows) -> None:
    for result in (rows[False][row], rows[True][row]):
        assert bool(result.detail) == (result.reason not in SELF_EXPLAINING), result
        assert result.detail.isprintable()


def test_five_thousand_links_are_all_judged_rightly(server: BehaviourServer, settings: EngineSettings) -> None:
    engine = engine_with(settings, total_timeout_s=20.0, connect_timeout_s=10.0)
    expected = list(server.urls(5000, slow=False))
    results = engine.check([Target(url, options=row.options) for url, row in expected])
    engine.close()
    wrong = [
        (url, result)
        for (url, row), result in zip(expected, results, strict=True)
        if (result.verdict, result.reason, result.permanence) != server.expected(row)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", Reason.URL_INVALID),
        ("not a url", Reason.URL_INVALID),
        ("http://[::1/", Reason.URL_INVALID),
        ("https://user:secret@example.com/", Reason.URL_INVALID),
        ("mailto:someone@example.com", Reason.UNSUPPORTED_SCHEME),
        ("javascript:alert(1)", Reason.UNSUPPORTED_SCHEME),
        ("file:///etc/passwd", Reason.UNSUPPORTED_SCHEME),
    ],
)
def test_what_cannot_be_fetched_is_judged_without_a_request(engine: Engine, url: str, reason: Reason) -> None:
    result = check(engine, url)
    assert (result.reason, result.hops, result.methods) == (reason, (), ())
    assert result.detail
    assert "secret" not in result.detail


# ---------------------------------------------------------------------------------------------- what is told


def test_every_hop_is_told_with_status_and_address(engine: Engine, server: BehaviourServer) -> None:
    base = server.bases["plain"]
    result = check(engine, f"{base}/redirect/2/301?#part")
    assert [(hop.url, hop.status, hop.ip) for hop in result.hops] == [
        (f"{base}/redirect/2/301?#part", 301, "127.0.0.1"),
        (f"{base}/redirect/1/301?#part", 301, "127.0.0.1"),
        (f"{base}/redirect/0/301?#part", 200, "127.0.0.1"),
    ]
    assert result.final_url == result.suggested_url == f"{base}/redirect/0/301?#part"


def test_cookies_are_kept_for_the_chain_that_set_them_and_no_longer(engine: Engine, server: BehaviourServer) -> None:
    for full in (False, True):
        result = check(engine, f"{server.bases['plain']}/cookie-wall/302?kept", full)
        assert [hop.status for hop in result.hops] == [302, 200]
        assert result.suggested_url is None


def test_only_a_permanent_redirect_and_https_suggest_a_url(rows: Rows) -> None:
    suggested = {row: result for row, result in rows[False].items() if result.suggested_url}
    for row, result in suggested.items():
        if result.reason is Reason.INSECURE_HTTP:
            assert result.suggested_url == result.hops[0].url.replace("http:", "https:")
        else:
            assert {hop.status for hop in result.hops[:-1]} <= {301, 308}, row
    assert {result.reason for result in suggested.values()} == {
        Reason.REDIRECTED_PERMANENT,
        Reason.INSECURE_HTTP,
        Reason.FRAGMENT_MISSING,
        Reason.TLS_EXPIRING,
    }


def test_timings_and_size_are_told(engine: Engine, server: BehaviourServer) -> None:
    before = datetime.now(UTC)
    result = check(engine, f"{server.bases['tls']}/pause/50", full=True)
    assert set(result.timings_ms) == {"dns", "connect", "tls", "ttfb", "total"}
    assert result.timings_ms["tls"] > 0
    assert 50 <= result.timings_ms["ttfb"] <= result.timings_ms["total"] < 2000
    assert result.bytes_read == 56
    # The product's clock is the database's, which may be behind this one by a hair.
    slack = timedelta(seconds=1)
    assert before - slack <= result.started_at < result.finished_at <= datetime.now(UTC) + slack


def test_the_end_of_the_certificate_is_told_on_kept_connections_too(engine: Engine, server: BehaviourServer) -> None:
    url = f"{server.bases['tls']}/ok"
    first, second = check(engine, url), check(engine, url)
    assert second.timings_ms["tls"] == 0
    assert first.tls_not_after == second.tls_not_after == server.certificates.not_after


def test_retry_after_is_told_in_seconds(engine: Engine, server: BehaviourServer) -> None:
    base = server.bases["plain"]
    assert check(engine, f"{base}/rate-limited").retry_after_s == 120
    assert (check(engine, f"{base}/unavailable").retry_after_s or 0) > 86_400
    assert check(engine, f"{base}/status/503").retry_after_s is None


def test_requests_look_like_a_browsers_and_name_us_without_the_word_that_walls_refuse(
    engine: Engine, server: BehaviourServer
) -> None:
    check(engine, f"{server.bases['plain']}/ok?headers=1")
    headers = server.memory.headers["/ok?headers=1"]
    assert headers["user-agent"].startswith("pranala/")
    assert "+https://" in headers["user-agent"]
    assert "link" not in headers["user-agent"]
    assert headers["accept"].startswith("text/html")
    assert {"gzip", "br"} <= set(headers["accept-encoding"].split(", "))
    assert "cookie" not in headers


def test_proxies_of_the_environment_are_not_used(
    settings: EngineSettings, server: BehaviourServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.bases["refused"])
    monkeypatch.setenv("all_proxy", server.bases["refused"])
    engine = Engine(settings)
    assert check(engine, f"{server.bases['plain']}/ok").reason == "ok"
    engine.close()


# ------------------------------------------------------------------------------------------ methods and tries


def test_a_link_is_asked_for_once(engine: Engine, server: BehaviourServer) -> None:
    check(engine, f"{server.bases['plain']}/ok?once")
    assert server.hits("/ok?once") == 1


def test_a_server_whose_head_lies_is_asked_by_get_from_then_on(engine: Engine, server: BehaviourServer) -> None:
    base = server.bases["head"]
    assert check(engine, f"{base}/head/405?first").methods == ("HEAD", "GET")
    assert check(engine, f"{base}/ok?second").methods == ("GET",)
    assert check(engine, f"{server.bases['plain']}/ok?third").methods == ("HEAD",)


def test_a_head_that_told_the_truth_is_no_lie(engine: Engine, server: BehaviourServer) -> None:
    base = server.bases["plain"]
    check(engine, f"{base}/status/404?truth")
    check(engine, f"{base}/flaky?truth")
    assert check(engine, f"{base}/ok?truth").methods == ("HEAD",)


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_passing_failures_are_tried_again_as_often_as_set(
    settings: EngineSettings, server: BehaviourServer, retries: int
) -> None:
    engine = engine_with(settings, retries=retries)
    result = check(engine, f"{server.bases['plain']}/status/500?retries={retries}", full=True)
    engine.close()
    assert result.attempts == server.hits(f"/status/500?retries={retries}") == 1 + retries


@pytest.mark.parametrize("path", ["/status/404", "/rate-limited", "/unavailable", "/status/403", "/redirect-loop"])
def test_what_will_not_pass_is_not_tried_again(settings: EngineSettings, server: BehaviourServer, path: str) -> None:
    engine = engine_with(settings, retries=2)
    assert check(engine, server.bases["plain"] + path, full=True).attempts == 1
    engine.close()


def test_one_deadline_holds_over_all_hops_and_tries(settings: EngineSettings, server: BehaviourServer) -> None:
    engine = engine_with(settings, retries=2, total_timeout_s=0.5)
    slow = f"{server.bases['plain']}/redirect-to/302?url=/redirect-to/302?url=/slow-headers"
    started = time.monotonic()
    result = check(engine, slow)
    engine.close()
    assert result.reason == "timeout_ttfb"
    assert time.monotonic() - started < 1.5


def test_a_link_that_goes_down_and_comes_back_is_seen_to(engine: Engine, server: BehaviourServer) -> None:
    seen = []
    for status in (200, 500, 404, 200):
        url = server.toggle("journey", status)
        seen.append(check(engine, url).reason.value)
    assert seen == ["ok", "http_5xx", "http_404", "ok"]


# --------------------------------------------------------------------------------------------------- the guard


@pytest.fixture
def bird() -> Iterator[Canary]:
    with canary() as alive:
        yield alive


def resolving_to(*addresses: str) -> Lookup:
    """A resolver that gives one address after the other, and the last one for ever."""
    left = list(addresses)

    def lookup(host: str) -> Sequence[str]:
        return [left.pop(0) if len(left) > 1 else left[0]]

    return lookup


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0"])
def test_a_name_that_resolves_to_a_forbidden_address_is_not_connected_to(bird: Canary, address: str) -> None:
    engine = engine_with(SETTINGS, resolving_to(address), allow_networks=())
    result = check(engine, f"http://rebind.example:{bird.port}/")
    dotted = check(engine, f"http://rebind.example.:{bird.port}/")
    engine.close()
    assert dotted.reason == "blocked_address"
    assert result.reason == "blocked_address"
    assert "is not a public address" in result.detail


def test_every_hop_of_a_chain_is_judged(bird: Canary, server: BehaviourServer, settings: EngineSettings) -> None:
    addresses = {"good.example": ["127.0.0.1"], "evil.example": ["127.0.0.2"]}
    engine = engine_with(settings, addresses.__getitem__, allow_networks=(ip_network("127.0.0.1/32"),))
    port = server.bases["plain"].rpartition(":")[2]
    target = f"http://good.example:{port}/redirect-to/302?url=http://evil.example:{bird.port}/"
    result = check(engine, target)
    engine.close()
    assert result.reason == "blocked_address"
    assert [hop.ip for hop in result.hops] == ["127.0.0.1", None]


def test_a_redirect_to_a_forbidden_address_is_not_followed(
    bird: Canary, server: BehaviourServer, settings: EngineSettings
) -> None:
    engine = engine_with(settings, allow_networks=(ip_network("127.0.0.1/32"),))
    for host in ("127.0.0.2", "[::1]", "[::ffff:127.0.0.2]", "0"):
        target = f"{server.bases['plain']}/redirect-to/302?url=http://{host}:{bird.port}/"
        assert check(engine, target).reason == "blocked_address"
    engine.close()


def test_a_port_that_is_not_allowed_is_not_connected_to(settings: EngineSettings) -> None:
    engine = engine_with(settings, allow_networks=(), allow_ports=((80, 80),))
    result = check(engine, "http://1.1.1.1:8080/")
    engine.close()
    assert (result.reason, result.detail) == ("blocked_address", "port 8080 is not among the ports that are allowed")


# ------------------------------------------------------------------------------------------------------- names


def test_names_that_do_not_resolve_say_why(settings: EngineSettings) -> None:
    errors = {
        "missing.example": socket.EAI_NONAME,
        "servfail.example": socket.EAI_AGAIN,
    }

    def lookup(host: str) -> Sequence[str]:
        raise socket.gaierror(errors[host], os.strerror(2))

    engine = Engine(settings, lookup)
    results = engine.check([Target(f"http://{host}/") for host in errors])
    engine.close()
    assert [(result.reason.value, result.attempts) for result in results] == [("dns_nxdomain", 1), ("dns_servfail", 2)]


def test_a_resolver_that_never_answers_is_a_dns_timeout_and_holds_up_nobody(
    settings: EngineSettings, server: BehaviourServer
) -> None:
    over = threading.Event()

    def lookup(host: str) -> Sequence[str]:
        over.wait(10)
        return ["127.0.0.1"]

    engine = Engine(replace(settings, connect_timeout_s=0.2, retries=0), lookup)
    stuck, fine = engine.check([Target("http://stuck.example/"), Target(f"{server.bases['plain']}/ok")])
    over.set()
    engine.close()
    assert (stuck.reason, fine.reason) == ("dns_timeout", "ok")
    assert fine.finished_at < stuck.finished_at


def test_a_name_is_looked_up_once_for_all_who_wait(settings: EngineSettings, server: BehaviourServer) -> None:
    asked: list[str] = []

    def lookup(host: str) -> Sequence[str]:
        asked.append(host)
        time.sleep(0.05)
        return ["127.0.0.1"]

    port = server.bases["plain"].rpartition(":")[2]
    engine = Engine(settings, lookup)
    results = engine.check([Target(f"http://shop.example:{port}/ok?n={number}") for number in range(50)])
    engine.close()
    assert {result.reason.value for result in results} == {"ok"}
    assert results[0].timings_ms["dns"] >= 50
    assert asked == ["shop.example"]


def test_the_second_address_of_a_name_is_tried_when_the_first_is_dead(
    settings: EngineSettings, server: BehaviourServer
) -> None:
    port = server.bases["plain"].rpartition(":")[2]
    engine = Engine(settings, lambda host: ["::1", "127.0.0.1"])
    assert check(engine, f"http://two.example:{port}/ok").reason == "ok"
    engine.close()


# -------------------------------------------------------------------------------------------------- politeness


@pytest.mark.parametrize("ceiling", [1, 4])
def test_a_host_never_sees_more_than_its_ceiling_at_once(
    settings: EngineSettings, server: BehaviourServer, ceiling: int
) -> None:
    engine = engine_with(settings, host_concurrency=ceiling)
    server.memory.peak = 0
    base = server.bases["plain"]
    engine.check([Target(f"{base}/pause/20?c={ceiling}&n={number}") for number in range(25)])
    engine.close()
    assert server.memory.peak == ceiling


def test_no_more_than_the_overall_number_is_under_way(settings: EngineSettings, server: BehaviourServer) -> None:
    engine = engine_with(settings, concurrency=7)
    server.memory.peak = 0
    engine.check([Target(f"{server.bases['plain']}/pause/20?all&n={number}") for number in range(40)])
    engine.close()
    assert server.memory.peak == 7


def test_requests_to_a_host_are_spaced_and_other_hosts_do_not_wait(
    settings: EngineSettings, server: BehaviourServer
) -> None:
    engine = engine_with(settings, host_interval_ms=50)
    plain = server.bases["plain"]
    other = plain.replace("127.0.0.1", "localhost")
    spaced = [Target(f"{plain}/ok?spaced={number}") for number in range(10)]
    started = datetime.now(UTC)
    *results, single = engine.check([*spaced, Target(f"{other}/ok?single")])
    engine.close()
    begun = sorted((result.started_at - started).total_seconds() for result in results)
    assert all(later - earlier >= 0.045 for earlier, later in itertools.pairwise(begun))
    assert (single.finished_at - started).total_seconds() < 0.4


def test_waiting_for_a_turn_costs_no_time_of_the_check(settings: EngineSettings, server: BehaviourServer) -> None:
    engine = engine_with(settings, host_concurrency=1, total_timeout_s=0.3, retries=0)
    results = engine.check([Target(f"{server.bases['plain']}/pause/100?turn={number}") for number in range(8)])
    engine.close()
    assert {result.reason.value for result in results} == {"ok"}


# ------------------------------------------------------------------------------------------- threads and faults


def test_many_threads_get_their_own_results_in_order(engine: Engine, server: BehaviourServer) -> None:
    base, wrong = server.bases["plain"], []

    def work(thread: int) -> None:
        statuses = [(200, 204, 404, 410)[number % 4] for number in range(100)]
        targets = [Target(f"{base}/status/{status}?t={thread}&n={n}") for n, status in enumerate(statuses)]
        results = engine.check(targets)
        if [result.status_code for result in results] != statuses:
            wrong.append(thread)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_slow_link_holds_up_no_other_thread(engine: Engine, server: BehaviourServer) -> None:
    slow = threading.Thread(target=check, args=(engine, f"{server.bases['plain']}/slow-headers"))
    slow.start()
    started = time.monotonic()
    assert check(engine, f"{server.bases['plain']}/ok?while-slow").reason == "ok"
    assert time.monotonic() - started < 1
    assert slow.is_alive()
    slow.join()


def test_the_wildest_servers_disturb_no_other_check(rows: Rows) -> None:
    fine = [result for row, result in rows[True].items() if row.path == "/ok" and result.verdict == "ok"]
    assert fine
    assert all(result.timings_ms["total"] < 1500 for result in fine)


def test_a_fault_of_our_own_costs_one_check(settings: EngineSettings, server: BehaviourServer) -> None:
    def lookup(host: str) -> Sequence[str]:
        raise RuntimeError("unforeseen")

    engine = Engine(settings, lookup)
    ours, fine = engine.check([Target("http://some.example/"), Target(f"{server.bases['plain']}/ok")])
    engine.close()
    assert (ours.verdict, ours.reason) == ("skipped", "checker_error")
    assert fine.reason == "ok"


def test_an_endless_body_is_read_to_the_cap_and_no_further(engine: Engine, server: BehaviourServer) -> None:
    result = check(engine, f"{server.bases['plain']}/endless", full=True)
    assert result.reason == "ok"
    assert result.bytes_read <= SETTINGS.body_cap_bytes + 65_536


def test_nothing_to_check_is_nothing_found(engine: Engine) -> None:
    assert engine.check([]) == []


def test_an_idle_engine_rests(engine: Engine, server: BehaviourServer) -> None:
    check(engine, f"{server.bases['plain']}/ok?rest")
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.1


def test_closing_wakes_those_who_wait(settings: EngineSettings, server: BehaviourServer) -> None:
    engine, told = Engine(settings), []

    def wait() -> None:
        try:
            check(engine, f"{server.bases['plain']}/slow-headers")
        except EngineClosed as error:
            told.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.2)
    engine.close()
    waiting.join(timeout=5)
    assert len(told) == 1
    with pytest.raises(EngineClosed):
        check(engine, f"{server.bases['plain']}/ok")


def test_closing_an_engine_that_never_ran_is_nothing(settings: EngineSettings) -> None:
    Engine(settings).close()


def test_a_forked_child_has_an_engine_of_its_own(engine: Engine, server: BehaviourServer) -> None:
    url = f"{server.bases['plain']}/ok?fork"
    assert check(engine, url).reason == "ok"
    child = os.fork()
    if child == 0:
        os._exit(0 if check(engine, url).reason == "ok" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert check(engine, url).reason == "ok"
