"""Several engines, each in a process of its own, and what a host sees of them all together."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from multiprocessing import get_context

import pytest

from cli.local.redis import Redis
from tasks.links.fetch import Engine, EngineSettings, Result, Target
from tasks.links.options import HostLimits
from tests.journeys.system import wait_for
from tests.servers.behaviour import BehaviourServer

SETTINGS = EngineSettings(
    allow_networks=(ip_network("127.0.0.0/8"),), connect_timeout_s=2.0, total_timeout_s=5.0, retries=0
)

MakeEngine = Callable[..., Engine]


@pytest.fixture(scope="module")
def server() -> Iterator[BehaviourServer]:
    with BehaviourServer() as running:
        yield running


@pytest.fixture
def engine(private_redis: Redis) -> Iterator[MakeEngine]:
    """Call for one more engine that shares the limits; keywords are settings."""
    made: list[Engine] = []

    def make(**changes: object) -> Engine:
        settings = replace(SETTINGS, **({"redis_url": private_redis.url} | changes))  # type: ignore[arg-type]  # as Engine's
        made.append(Engine(settings, resolve))
        return made[-1]

    yield make
    for one in made:
        one.close()


def resolve(host: str) -> Sequence[str]:
    return ["127.0.0.1"]


def at(server: BehaviourServer, host: str, path: str) -> str:
    """A path of the server under a host's name of its own."""
    return f"http://{host}:{server.bases['plain'].rpartition(':')[2]}{path}"


def some_host() -> str:
    return f"{uuid.uuid4().hex[:12]}.example"


def check(engine: Engine, *urls: str) -> list[Result]:
    return engine.check([Target(url) for url in urls])


def check_as_process(settings: EngineSettings, urls: Sequence[str]) -> list[Result]:
    engine = Engine(settings, resolve)
    try:
        return check(engine, *urls)
    finally:
        engine.close()


def in_processes(settings: EngineSettings, parts: Sequence[Sequence[str]]) -> list[list[Result]]:
    with ProcessPoolExecutor(len(parts), get_context("spawn")) as pool:
        return list(pool.map(check_as_process, [settings] * len(parts), parts))


def test_a_host_never_sees_more_than_its_ceiling_of_four_processes(
    server: BehaviourServer, private_redis: Redis
) -> None:
    settings = replace(SETTINGS, redis_url=private_redis.url, host_concurrency=5, host_interval_ms=0)
    host = some_host()
    server.memory.peak = 0
    parts = [[at(server, host, f"/pause/30?p={part}&n={n}") for n in range(60)] for part in range(4)]
    found = in_processes(settings, parts)
    assert Counter(result.reason for part in found for result in part) == {"ok": 240}
    assert server.memory.peak == 5


def test_a_host_may_have_limits_of_its_own_that_hold_over_all_engines(
    server: BehaviourServer, engine: MakeEngine
) -> None:
    usual, lifted = engine(host_interval_ms=0), engine(host_concurrency=0, host_interval_ms=0)
    host, own = some_host(), HostLimits(concurrency=2, interval_ms=20)
    server.memory.peak = 0
    parts = [
        [Target(at(server, host, f"/pause/30?o={part}&n={n}"), limits=own) for n in range(20)] for part in range(2)
    ]
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda one, part: one.check(part), (usual, lifted), parts))
    assert Counter(result.reason for part in found for result in part) == {"ok": 40}
    assert server.memory.peak == 2
    begun = sorted(result.started_at for part in found for result in part)
    # The first may itself be late.
    assert (begun[-1] - begun[0]).total_seconds() >= 39 * 0.02 * 0.85


def span_s(results: Iterable[Result]) -> float:
    """From the first start to the last."""
    begun = [result.started_at for result in results]
    return (max(begun) - min(begun)).total_seconds()


def check_until_settled(one: Engine, targets: Sequence[Target]) -> tuple[list[Result], int, float]:
    """Check, and check again what came back when its time has come: results, links sent, longest call in seconds."""
    due = [(0.0, list(targets))]
    settled: list[Result] = []
    sent, longest, began = 0, 0.0, time.monotonic()
    while due:
        wait_s, targets = due.pop(0)
        time.sleep(max(began + wait_s - time.monotonic(), 0))
        sent += len(targets)
        asked_at = time.monotonic() - began
        later: dict[float, list[Target]] = {}
        for target, result in zip(targets, one.check(targets), strict=True):
            if result.wait_s is None:
                settled.append(result)
            else:
                assert (result.paced, result.reason, result.methods) == (True, "host_backoff", ())
                later.setdefault(asked_at + result.wait_s, []).append(replace(target, waited=True))
        longest = max(longest, time.monotonic() - began - asked_at)
        due = sorted([*due, *later.items()], key=lambda part: part[0])
    return settled, sent, longest


def test_links_whose_turn_is_far_off_come_back_for_it_and_the_host_is_never_idle(
    server: BehaviourServer, engine: MakeEngine
) -> None:
    one, patient = engine(host_interval_ms=20, queue_s=0.9), engine(host_interval_ms=20, queue_s=60.0)
    host, other = some_host(), some_host()
    with ThreadPoolExecutor() as threads:
        # Of as many links, at the same time, on the same machine.
        held = threads.submit(check, patient, *(at(server, other, f"/ok?held={n}") for n in range(250)))
        settled, sent, longest = check_until_settled(
            one, [Target(at(server, host, f"/ok?turn={n}")) for n in range(250)]
        )
        usual_s = span_s(held.result())
    assert Counter(result.reason for result in settled) == {"ok": 250}
    assert sent < 3 * 250
    assert 4.9 < span_s(settled) < usual_s * 1.4
    assert longest < usual_s / 2


def test_a_link_that_is_asked_for_alone_is_never_sent_back(server: BehaviourServer, engine: MakeEngine) -> None:
    one, host = engine(host_interval_ms=20, queue_s=0.2), some_host()
    with ThreadPoolExecutor() as threads:
        many = threads.submit(check, one, *(at(server, host, f"/ok?many={n}") for n in range(100)))
        assert check(one, at(server, host, "/ok?alone"))[0].reason == "ok"
        assert Counter(result.paced for result in many.result())[True] > 70


def test_the_crawl_delay_of_robots_txt_is_the_space_between_requests(
    server: BehaviourServer, engine: MakeEngine
) -> None:
    port = server.bases["robots-delay"].rpartition(":")[2]
    one = engine(robots=True, host_concurrency=0, host_interval_ms=0)
    found = check(one, *(f"http://{some_host()}:{port}/ok?host={n}" for n in range(3)))
    assert span_s(found) < 0.5
    host = some_host()
    assert span_s(check(one, *(f"http://{host}:{port}/ok?n={n}" for n in range(6)))) > 5 * 0.3 * 0.9


def test_starts_of_all_processes_are_spaced(server: BehaviourServer, private_redis: Redis) -> None:
    settings = replace(SETTINGS, redis_url=private_redis.url, host_concurrency=10, host_interval_ms=50)
    host = some_host()
    parts = [[at(server, host, f"/ok?spaced={part}&n={n}") for n in range(20)] for part in range(3)]
    found = in_processes(settings, parts)
    begun = sorted(result.started_at for part in found for result in part)
    since_first = [(each - begun[0]).total_seconds() for each in begun]
    # A process may be late for its turn, the very first too, but nobody is ever early.
    assert all(since_s >= number * 0.05 - 0.25 for number, since_s in enumerate(since_first))
    gaps = sorted(later - earlier for earlier, later in itertools.pairwise(since_first))
    assert gaps[len(gaps) * 2 // 3] >= 0.04


def test_a_host_that_asks_one_engine_to_wait_is_not_asked_by_another(
    server: BehaviourServer, private_redis: Redis
) -> None:
    settings = replace(SETTINGS, redis_url=private_redis.url)
    host = some_host()
    [refused] = check_as_process(settings, [at(server, host, "/rate-limited?first")])
    assert (refused.reason, round(refused.wait_s or 0)) == ("rate_limited", 120)
    put_off, other = check_as_process(settings, [at(server, host, "/ok?never"), at(server, some_host(), "/ok?other")])
    assert (put_off.verdict, put_off.reason, put_off.methods) == ("skipped", "host_backoff", ())
    assert 115 < (put_off.wait_s or 0) <= 120
    assert host in put_off.detail
    assert server.hits("/ok?never") == 0
    assert other.reason == "ok"


def test_what_waits_elsewhere_when_a_host_refuses_comes_back_unchecked(
    server: BehaviourServer, engine: MakeEngine
) -> None:
    busy, other = engine(host_concurrency=1, host_interval_ms=0), engine(host_concurrency=1, host_interval_ms=0)
    host = some_host()
    found: list[Result] = []
    waiting = [at(server, host, f"/pause/100?w={n}") for n in range(200)]
    working = threading.Thread(target=lambda: found.extend(check(busy, *waiting)))
    working.start()
    wait_for(lambda: any(server.hits(f"/pause/100?w={n}") for n in range(200)), 20, "the first request")
    assert check(other, at(server, host, "/rate-limited?second"))[0].reason == "rate_limited"
    working.join(60)
    reasons = Counter(str(result.reason) for result in found)
    assert set(reasons) == {"ok", "host_backoff"}
    assert reasons["host_backoff"] > 150


def test_other_hosts_do_not_wait_while_one_is_left_alone(server: BehaviourServer, private_redis: Redis) -> None:
    settings = replace(SETTINGS, redis_url=private_redis.url, host_concurrency=2, host_interval_ms=0)
    other = some_host()
    links = [at(server, other, f"/pause/20?alone={n}") for n in range(60)]

    def took_s(*bad: str) -> float:
        began = datetime.now(UTC)
        results = check_as_process(settings, [*bad, *links])[len(bad) :]
        assert {str(result.reason) for result in results} == {"ok"}
        return (max(result.finished_at for result in results) - began).total_seconds()

    alone: list[float] = []
    beside: list[float] = []
    # Other programs may hold up the one and not the other, but not the best of some tries.
    while not beside or (min(beside) >= min(alone) * 1.25 and len(beside) < 5):
        alone.append(took_s())
        host = some_host()
        beside.append(took_s(*(at(server, host, f"/rate-limited?n={n}") for n in range(60))))
    assert min(beside) < min(alone) * 1.25


def test_a_short_pause_is_waited_for_and_a_long_one_is_not(engine: MakeEngine, server: BehaviourServer) -> None:
    url = server.bases["plain"]
    patient = engine(redis_url="", backoff_cap_s=0.3, backoff_patience_s=1.0)
    refused, fine = check(patient, f"{url}/rate-limited?patient", f"{url}/pause/50?patient")
    assert (refused.reason, fine.reason) == ("rate_limited", "ok")
    assert check(patient, f"{url}/ok?patient")[0].reason == "ok"
    impatient = engine(redis_url="", backoff_cap_s=30.0)
    check(impatient, f"{url}/rate-limited?impatient")
    assert check(impatient, f"{url}/ok?impatient")[0].reason == "host_backoff"


def test_links_are_checked_while_redis_is_away_and_after(
    engine: MakeEngine, server: BehaviourServer, private_redis: Redis
) -> None:
    one = engine(host_concurrency=3, host_interval_ms=0)
    server.memory.peak = 0
    urls = [f"{server.bases['plain']}/pause/30?away={n}" for n in range(150)]
    found: list[Result] = []
    working = threading.Thread(target=lambda: found.extend(check(one, *urls)))
    working.start()
    time.sleep(0.4)
    private_redis.kill()
    working.join(30)
    assert Counter(str(result.reason) for result in found) == {"ok": 150}
    private_redis.start()
    time.sleep(1.5)
    check(one, *(f"{url}&again" for url in urls[:20]))
    assert server.memory.peak == 3


def test_without_a_redis_that_answers_the_limits_hold_within_the_process(
    engine: MakeEngine, server: BehaviourServer
) -> None:
    one = engine(redis_url="redis://127.0.0.1:9/0", host_concurrency=2, host_interval_ms=0)
    server.memory.peak = 0
    results = check(one, *(f"{server.bases['plain']}/pause/20?none={n}" for n in range(20)))
    assert {str(result.reason) for result in results} == {"ok"}
    assert server.memory.peak == 2


def test_with_no_limits_redis_is_not_asked(engine: MakeEngine, server: BehaviourServer) -> None:
    one = engine(host_concurrency=0, host_interval_ms=0)
    assert check(one, f"{server.bases['plain']}/ok?unlimited")[0].reason == "ok"
    assert "ledger" not in {thread.name for thread in threading.enumerate()}


def test_an_engine_that_shares_rests_when_there_is_nothing_to_do(engine: MakeEngine, server: BehaviourServer) -> None:
    check(engine(), f"{server.bases['plain']}/ok?rest")
    time.sleep(0.3)
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.1


def test_what_nobody_wants_any_more_is_not_begun(engine: MakeEngine, server: BehaviourServer) -> None:
    running = engine(host_concurrency=2, host_interval_ms=0)
    host = some_host()
    targets = [Target(at(server, host, f"/pause/400?n={number}")) for number in range(100)]
    began = time.monotonic()
    [[(_, results)]] = running.check_each([targets], lambda places: places)
    # Two at once, 0.4 s each, would take 20 s; after two seconds somebody asks.
    assert time.monotonic() - began < 10
    assert Counter(str(result.reason) for result in results)["host_backoff"] > 50
