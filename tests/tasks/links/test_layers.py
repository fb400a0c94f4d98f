"""What a user set reaches the check: of the link over its host over its workspace, and nothing of others."""

import json
import uuid
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from config.settings import LINKS_KEY
from tasks.database import Sessions
from tasks.links import changes, policies, queries
from tasks.links.callers import Caller, Stale
from tasks.links.checking import check_links
from tasks.links.disclosure import SET
from tasks.links.messages import CheckLinks, LinkSettings, LinkSpec, link_id
from tasks.links.models import Link, LinkOptions, Outbox, Policy
from tasks.links.options import CheckOptions, HostLimits
from tasks.links.result import Target
from tasks.links.sealed import Safe
from tasks.links.validity import InvalidOptions
from tasks.links.verdict import Reason
from tasks.vault import Vault
from tests.conftest import MakeDatabase
from tests.tasks.links.test_handlers import SETTINGS, URL, WORKSPACE, Answers, part

VAULT = Vault(bytes(32), LINKS_KEY)
CALLER = Caller("key:admin", "192.0.2.1", "curl/8")
LINK = link_id(WORKSPACE, URL)


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("links")


def check(sessions: Sessions, message: CheckLinks, vault: Vault = VAULT, reason: Reason = Reason.OK) -> list[Target]:
    """What the engine was asked for a part."""
    checker = Answers(reason)
    check_links(message, sessions=sessions, checker=checker, settings=SETTINGS, vault=vault)
    return checker.asked


def submitted(options: dict[str, Any] | None = None, url: str = URL, **more: Any) -> CheckLinks:
    """A part of one link, as a submission makes it."""
    settings = LinkSettings(**more)
    if options is not None:
        sealed = Safe(VAULT, WORKSPACE, link_id(WORKSPACE, url)).seal(options)
        settings = replace(settings, options=dict(sealed.shown), secrets=sealed.secrets)
    message = part(url, job=uuid.uuid4(), total=1)
    return replace(message, links=(LinkSpec(url, settings=settings),))


def put(
    sessions: Sessions, host: str, options: dict[str, Any], versions: tuple[int, ...] = (), **rules: Any
) -> policies.PolicyView:
    with sessions.begin() as session:
        return policies.put(session, WORKSPACE, host, policies.Wanted(rules, options), versions, CALLER, VAULT)


def edit(sessions: Sessions, options: dict[str, Any] | None) -> str:
    with sessions.begin() as session:
        view = changes.edit(session, WORKSPACE, LINK, [], {"options": options}, CALLER, VAULT)
    assert view is not None
    return view.options_json


def test_where_nothing_is_set_a_link_is_checked_as_all_others(sessions: Sessions) -> None:
    assert check(sessions, part(URL)) == [Target(URL)]


def test_what_comes_with_a_submission_holds_from_its_own_check_on(sessions: Sessions) -> None:
    options = CheckOptions(timeout_s=5, bearer_token="jwt", cookies={"a": "1"})
    message = submitted({"timeout_s": 5, "bearer_token": "jwt", "cookies": {"a": "1"}})
    assert [each.options for each in check(sessions, message)] == [options]
    assert [each.options for each in check(sessions, part(URL))] == [options]
    assert [each.options for each in check(sessions, part("https://b.example/"))] == [None]


def test_a_secret_is_nowhere_in_the_database_and_never_in_a_message(sessions: Sessions) -> None:
    message = submitted({"bearer_token": "top-secret", "request_headers": {"X-Token": "top-secret"}})
    check(sessions, message)
    edit(sessions, {"cookies": {"session": "top-secret"}})
    put(sessions, "a.example", {"basic_auth": {"username": "me", "password": "top-secret"}})
    with sessions() as session:
        [kept] = session.scalars(select(LinkOptions))
        [policy] = session.scalars(select(Policy))
        said = "".join(session.scalars(select(Outbox.body)))
    assert kept.options == {"bearer_token": SET, "request_headers": {"X-Token": SET}, "cookies": {"session": SET}}
    assert policy.options == {"basic_auth": SET}
    for text in (str(message), kept.secrets, policy.secrets, said):
        assert "top-secret" not in text
    assert {"LinksEdited", "PolicyChanged"} <= set(_names(sessions))


def test_of_a_link_that_is_submitted_again_its_options_are_replaced_where_they_are_given(sessions: Sessions) -> None:
    check(sessions, submitted({"timeout_s": 5, "method": "GET"}))
    assert [each.options for each in check(sessions, submitted())] == [CheckOptions(timeout_s=5, method="GET")]
    assert [each.options for each in check(sessions, submitted({"method": "HEAD"}))] == [CheckOptions(method="HEAD")]
    assert [each.options for each in check(sessions, submitted({}))] == [None]
    with sessions() as session:
        assert session.scalars(select(LinkOptions)).all() == []


def test_a_passing_check_has_the_options_of_its_submission_and_leaves_nothing(sessions: Sessions) -> None:
    check(sessions, submitted({"timeout_s": 5}))
    passing = replace(submitted({"method": "GET"}), keep=False)
    assert [each.options for each in check(sessions, passing)] == [CheckOptions(method="GET")]
    assert [each.options for each in check(sessions, replace(part(URL, job=uuid.uuid4(), total=1), keep=False))] == [
        None
    ]
    assert [each.options for each in check(sessions, part(URL))] == [CheckOptions(timeout_s=5)]


def test_how_sure_to_be_may_come_with_a_submission(sessions: Sessions) -> None:
    check(sessions, submitted(confirm_hard=1, min_confirm_s=0.0), reason=Reason.HTTP_404)
    with sessions() as session:
        [link] = session.scalars(select(Link))
    assert (link.confirm_hard, link.confirm_transient, link.min_confirm_s, link.state) == (1, None, 0.0, "broken")


def test_an_edit_changes_what_it_names_and_a_secret_that_is_shown_as_set_stays(sessions: Sessions) -> None:
    check(sessions, submitted({"timeout_s": 5, "bearer_token": "jwt"}))
    assert edit(sessions, {"timeout_s": 9}) == '{"timeout_s":9,"bearer_token":{"set":true}}'
    assert edit(sessions, {"timeout_s": None, "bearer_token": SET}) == '{"bearer_token":{"set":true}}'
    assert [each.options for each in check(sessions, part(URL))] == [CheckOptions(bearer_token="jwt")]
    with pytest.raises(InvalidOptions, match="cookies: there is no value yet"):
        edit(sessions, {"cookies": {"session": SET}})
    with pytest.raises(InvalidOptions, match="method: HEAD brings no page"):
        edit(sessions, {"method": "HEAD", "required_text": ["a"]})
    told = _names(sessions).count("LinksEdited")
    edit(sessions, {"bearer_token": "jwt"})
    assert _names(sessions).count("LinksEdited") == told, "nothing was changed"
    assert edit(sessions, None) == "{}"
    assert [each.options for each in check(sessions, part(URL))] == [None]


def test_the_link_is_over_its_host_and_that_over_the_workspace(sessions: Sessions) -> None:
    put(sessions, "", {"timeout_s": 1, "slow_ms": 1, "user_agent": "Everywhere/1", "verdicts": {"403": "ok"}})
    put(sessions, "a.example", {"slow_ms": 2, "basic_auth": {"username": "u", "password": "p"}}, concurrency=3)
    put(sessions, "c.example", {"cookies": {"c": "3"}}, spacing_ms=1000)
    [target] = check(sessions, submitted({"method": "GET", "verdicts": {"5xx": "ok"}}))
    assert target.options is not None
    assert (target.options.timeout_s, target.options.slow_ms, target.options.method) == (1, 2, "GET")
    assert target.options.verdicts == {"403": "ok", "5xx": "ok"}
    assert target.options.request_headers == {"User-Agent": "Everywhere/1", "Authorization": "Basic dTpw"}
    assert target.limits == HostLimits(concurrency=3)
    assert target.elsewhere is not None
    assert target.elsewhere("c.example", True) == {"User-Agent": "Everywhere/1", "Cookie": "c=3"}
    assert target.elsewhere("c.example", False) == target.elsewhere("d.example", True) == {"User-Agent": "Everywhere/1"}
    [other] = check(sessions, part("https://c.example/"))
    assert other.limits == HostLimits(interval_ms=1000)
    foreign = replace(part(URL), workspace_id=uuid.uuid4())
    assert check(sessions, foreign) == [Target(URL)], "another workspace's"


def test_a_workspace_has_its_own_ideas_of_how_sure_to_be_and_how_often_to_look(sessions: Sessions) -> None:
    put(sessions, "", {}, interval_s=60, confirm_hard=1, min_confirm_s=0.0, confirm_offsets_s=[5.0])
    check(sessions, part(URL), reason=Reason.HTTP_404)
    with sessions() as session:
        [link] = session.scalars(select(Link))
    assert (link.interval_s, link.state) == (60, "broken")


def test_a_link_whose_secrets_cannot_be_opened_is_skipped_and_spoils_no_other(sessions: Sessions) -> None:
    check(sessions, submitted({"bearer_token": "jwt"}))
    other = "https://b.example/"
    assert check(sessions, part(URL, other), Vault(b"k" * 32, LINKS_KEY)) == [Target(other)]
    with sessions() as session:
        latest = queries.list_checks(session, WORKSPACE, LINK, 1, "")[0][0]
    assert (latest.verdict, latest.reason) == ("skipped", "checker_error")
    assert LINKS_KEY in latest.detail
    with sessions.begin() as session, pytest.raises(InvalidOptions, match="set it anew, or unset it"):
        changes.edit(session, WORKSPACE, LINK, [], {"options": {"timeout_s": 5}}, CALLER, Vault(b"k" * 32, LINKS_KEY))
    assert edit(sessions, {"bearer_token": "new"}) == '{"bearer_token":{"set":true}}'


def test_a_policy_is_replaced_as_of_its_version_and_keeps_the_secrets_that_come_back_unshown(
    sessions: Sessions,
) -> None:
    first = put(sessions, "a.example", {"bearer_token": "jwt", "timeout_s": 5}, (0,), concurrency=2)
    assert (first.version, first.concurrency) == (1, 2)
    assert json.loads(first.options_json) == {"bearer_token": SET, "timeout_s": 5}
    with pytest.raises(Stale):
        put(sessions, "a.example", {}, (0,))
    second = put(sessions, "a.example", {"bearer_token": SET}, (1,), spacing_ms=5)
    assert (second.version, second.concurrency, second.spacing_ms) == (2, None, 5)
    [target] = check(sessions, part(URL))
    assert target.options == CheckOptions(request_headers={"Authorization": "Bearer jwt"})
    with sessions.begin() as session:
        assert [each.host for each in policies.list_hosts(session, WORKSPACE, 10, "")[0]] == ["a.example"]
        with pytest.raises(Stale):
            policies.remove(session, WORKSPACE, "a.example", [1], CALLER)
        assert policies.remove(session, WORKSPACE, "a.example", [2], CALLER)
        assert not policies.remove(session, WORKSPACE, "a.example", [], CALLER)
        assert policies.get(session, WORKSPACE, "a.example") is None
    assert check(sessions, part(URL)) == [Target(URL)]


@pytest.mark.parametrize(
    ("host", "options", "said"),
    [
        ("", {"bearer_token": "jwt"}, "bearer_token: is set for a host or a link"),
        ("a.example", {"bearer_token": SET}, "bearer_token: there is no value yet"),
        ("a.example", {"verdicts": {"40x": "ok"}}, "verdicts: '40x'"),
    ],
)
def test_a_policy_that_cannot_be_obeyed_is_refused(
    sessions: Sessions, host: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidOptions, match=said):
        put(sessions, host, options)
    with sessions() as session:
        assert session.scalars(select(Policy)).all() == []


def test_options_of_a_link_go_with_it(sessions: Sessions) -> None:
    check(sessions, submitted({"bearer_token": "jwt"}))
    with sessions.begin() as session:
        assert changes.remove(session, WORKSPACE, LINK, [], CALLER)
    with sessions() as session:
        assert session.scalars(select(LinkOptions)).all() == []


def _names(sessions: Sessions) -> list[str]:
    with sessions() as session:
        return list(session.scalars(select(Outbox.name).order_by(Outbox.id)))
