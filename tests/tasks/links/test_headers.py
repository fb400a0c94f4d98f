"""Which headers go where: those of a link to its own host, those of another host to that host, secrets never astray."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from uuid import uuid4

import pytest

from tasks.links.fetch import Engine, Result, Target
from tasks.links.options import CheckOptions
from tests.servers.behaviour import BehaviourServer
from tests.tasks.links.test_fetch import SETTINGS

OPTIONS = CheckOptions(
    request_headers={"X-Token": "sesame"}, cookies={"a": "1", "b": "2"}, bearer_token="jwt", user_agent="Us/1"
)
SECRETS = ("x-token", "cookie", "authorization")


@pytest.fixture(scope="module")
def server() -> Iterator[BehaviourServer]:
    with BehaviourServer() as running:
        yield running


@pytest.fixture(scope="module")
def engine(server: BehaviourServer) -> Iterator[Engine]:
    running = Engine(replace(SETTINGS, ca_file=server.ca_file))
    yield running
    running.close()


def elsewhere(host: str, trusted: bool) -> Mapping[str, str]:
    """What the workspace sends to `localhost`, and to every other host."""
    if host != "localhost":
        return {"User-Agent": "Everywhere/1"}
    return {"User-Agent": "There/1"} | ({"X-There": "open"} if trusted else {})


def headers_at(
    server: BehaviourServer, engine: Engine, start: str, base: str, target: Target
) -> tuple[Mapping[str, str], Result]:
    """What reached `base` of a check that was sent there from `start`."""
    path = f"/ok?headers={uuid4().hex}"
    [result] = engine.check([replace(target, url=f"{start}/redirect-to/302?url={base}{path}")])
    return server.memory.headers[path], result


def test_all_of_a_links_own_headers_reach_its_host(server: BehaviourServer, engine: Engine) -> None:
    base = server.bases["plain"]
    sent, _ = headers_at(server, engine, base, base, Target("", options=OPTIONS))
    assert {name: sent[name] for name in (*SECRETS, "user-agent")} == {
        "x-token": "sesame",
        "cookie": "a=1; b=2",
        "authorization": "bearer jwt",
        "user-agent": "us/1",
    }
    assert sent["accept"].startswith("text/html")


def test_none_of_them_reaches_another_host_or_port(server: BehaviourServer, engine: Engine) -> None:
    plain, head = server.bases["plain"], server.bases["head"]
    for other in (plain.replace("127.0.0.1", "localhost"), head):
        sent, _ = headers_at(server, engine, plain, other, Target("", options=OPTIONS))
        assert not set(SECRETS) & set(sent)
        assert sent["user-agent"].startswith("pranala/")


def test_a_host_that_is_reached_by_a_redirect_gets_what_is_its_own(server: BehaviourServer, engine: Engine) -> None:
    plain = server.bases["plain"]
    there = plain.replace("127.0.0.1", "localhost")
    target = Target("", options=OPTIONS, elsewhere=elsewhere)
    sent, _ = headers_at(server, engine, plain, there, target)
    assert (sent["x-there"], sent["user-agent"]) == ("open", "there/1")
    assert not set(SECRETS) & set(sent)
    sent, _ = headers_at(server, engine, there, plain, replace(target, options=None))
    assert sent["user-agent"] == "everywhere/1"


def test_secrets_do_not_leave_tls_by_a_redirect(server: BehaviourServer, engine: Engine) -> None:
    secure, plain = server.bases["tls"], server.bases["plain"].replace("127.0.0.1", "localhost")
    sent, result = headers_at(server, engine, secure, plain, Target("", options=OPTIONS, elsewhere=elsewhere))
    assert result.verdict == "ok"
    assert not {*SECRETS, "x-there"} & set(sent)
    assert sent["user-agent"] == "there/1"


def test_what_a_host_gets_of_one_check_it_does_not_get_of_the_next(server: BehaviourServer, engine: Engine) -> None:
    base, path = server.bases["plain"], f"/ok?headers={uuid4().hex}"
    engine.check([Target(f"{base}/needs-token", options=OPTIONS)])
    engine.check([Target(base + path)])
    assert not set(SECRETS) & set(server.memory.headers[path])


TOKEN = CheckOptions(request_headers={"X-Token": "sesame"})


@pytest.fixture
def robot(server: BehaviourServer) -> Iterator[Engine]:
    running = Engine(replace(SETTINGS, robots=True, soft_404=True))
    yield running
    running.close()


def reasons(engine: Engine, *targets: Target) -> list[str]:
    return [str(result.reason) for result in engine.check(targets)]


def test_robots_txt_is_asked_for_as_the_link_itself_is(server: BehaviourServer, robot: Engine) -> None:
    url = f"{server.bases['robots-members']}/ok"
    assert reasons(robot, Target(url, options=TOKEN), Target(url)) == ["robots_disallowed", "ok"]
    # Neither answer is taken for the other's later.
    assert reasons(robot, Target(url), Target(url, options=TOKEN)) == ["ok", "robots_disallowed"]


def test_a_random_path_beside_a_link_is_asked_for_as_the_link_itself_is(server: BehaviourServer, robot: Engine) -> None:
    gone, real = (f"{server.bases['plain']}/vault/{name}" for name in ("gone", "real"))
    assert reasons(robot, Target(gone, options=TOKEN), Target(real, options=TOKEN)) == ["soft_404_suspected", "ok"]


def test_no_question_takes_headers_to_another_host(server: BehaviourServer, robot: Engine) -> None:
    there = f"{server.bases['robots-members']}/ok"
    astray = Target(f"{server.bases['plain']}/redirect-to/302?url={there}", options=TOKEN)
    assert reasons(robot, astray) == ["redirected_temporary"]


def test_robots_txt_of_another_host_is_asked_for_with_what_is_its_own(server: BehaviourServer, robot: Engine) -> None:
    there = f"{server.bases['robots-members'].replace('127.0.0.1', 'localhost')}/ok"
    target = Target(
        f"{server.bases['plain']}/redirect-to/302?url={there}",
        elsewhere=lambda host, _: {"X-Token": "sesame"} if host == "localhost" else {},
    )
    assert reasons(robot, target) == ["robots_disallowed"]
