"""Mail links: which domains they rely on, and what the DNS says of those."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import pytest

from tasks import urls
from tasks.links.exchange import system_exchangers
from tasks.links.fetch import Engine, EngineSettings, Result, Target
from tasks.links.mailto import MOST_DOMAINS, InvalidMailto, domains_of
from tasks.links.options import CheckOptions
from tasks.links.resolve import Unfound
from tests.servers.names import MailNames, silent_name_server

SETTINGS = EngineSettings(mailto=True, connect_timeout_s=2.0, retry_delay_s=0.01)
ZONE = """
mx.example.        60 IN MX 10 one.mx.example.
mx.example.        60 IN MX 20 two.mx.example.
a.example.         60 IN A 192.0.2.1
aaaa.example.      60 IN AAAA 2001:db8::1
nothing.example.   60 IN TXT "no mail"
null.example.      60 IN MX 0 .
null.example.      60 IN A 192.0.2.1
xn--bcher-kva.example. 60 IN MX 10 one.mx.example.
"""


@pytest.fixture(scope="module")
def running() -> Iterator[MailNames]:
    with MailNames(ZONE, failing=["broken.example"]) as server:
        yield server


@pytest.fixture
def names(running: MailNames) -> MailNames:
    running.asked.clear()
    running.threads.clear()
    return running


def checked(names: MailNames, *targets: Target, settings: EngineSettings = SETTINGS) -> list[Result]:
    engine = Engine(settings, mail_lookup=names.lookup)
    results = engine.check(targets)
    engine.close()
    return results


@pytest.mark.parametrize(
    ("text", "domains"),
    [
        ("mailto:me@mx.example", ["mx.example"]),
        ("MAILTO:me@MX.Example.", ["mx.example"]),
        ("mailto:me%40mx.example?subject=a@b.example&body=c%40d.example", ["mx.example"]),
        ("mailto:me@mx.example,you@a.example,us@mx.example", ["mx.example", "a.example"]),
        ("mailto:me@mx.example%2C%20you@a.example", ["mx.example", "a.example"]),
        ("mailto:?to=me@mx.example,you@a.example&CC=him%40aaaa.example", ["mx.example", "a.example", "aaaa.example"]),
        ("mailto:me@mx.example?bcc=you@a.example#top", ["mx.example", "a.example"]),
        ("mailto:%22not%40me%2Cnor%20you%22@mx.example", ["mx.example"]),
        ("mailto:Me%20%3Cme@mx.example%3E", ["mx.example"]),
        ("mailto:me@bücher.example", ["xn--bcher-kva.example"]),
        ("mailto:me@[192.0.2.1],you@[IPv6:2001:db8::1]", []),
        ("mailto:?subject=Look", []),
    ],
)
def test_the_domains_of_a_link_are_those_of_its_receivers(text: str, domains: list[str]) -> None:
    assert domains_of(urls.normalise(text)) == tuple(domains)


@pytest.mark.parametrize(
    "text",
    [
        "mailto:",
        "mailto:me",
        "mailto:me@",
        "mailto:@mx.example",
        "mailto:me@mx.example,you",
        "mailto:me@mx.example?to=you",
        "mailto:me@192.0.2.1",
        "mailto:me@[mx.example]",
        "mailto:me@mx..example",
        "mailto:me@mx.example/path",
        "mailto:me@mx.example:25",
        "mailto:me@two%20words.example",
        f"mailto:me@{'a' * 64}.example",
        f"mailto:me@{'a.' * 130}example",
        "mailto:me@%00.example",
    ],
)
def test_an_address_without_a_possible_domain_is_none(names: MailNames, text: str) -> None:
    with pytest.raises(InvalidMailto):
        domains_of(urls.normalise(text))
    (result,) = checked(names, Target(text))
    assert (result.verdict, result.reason, result.permanence) == ("broken", "url_invalid", "hard")
    assert result.detail
    assert not names.asked


def test_a_link_with_thousands_of_domains_costs_no_more_than_a_few_questions(names: MailNames) -> None:
    many = ",".join(f"m@{number}.no" for number in range(900))
    assert len(domains_of(urls.normalise(f"mailto:{many}"))) == MOST_DOMAINS
    unbalanced = urls.normalise("mailto:" + '"\\' * 1000 + "(" * 1000 + "<" * 1000 + "@mx.example")
    assert domains_of(unbalanced) == ("mx.example",)


@pytest.mark.parametrize(
    ("url", "judged", "said"),
    [
        ("mailto:me@mx.example", ("ok", "ok", None), ""),
        ("mailto:me@a.example", ("ok", "ok", None), ""),
        ("mailto:me@aaaa.example", ("ok", "ok", None), ""),
        ("mailto:me@bücher.example?subject=Hi", ("ok", "ok", None), ""),
        ("mailto:me@mx.example,you@a.example?cc=us@aaaa.example", ("ok", "ok", None), ""),
        ("mailto:?subject=Look", ("ok", "ok", None), ""),
        (
            "mailto:me@missing.example",
            ("broken", "dns_nxdomain", "hard"),
            "@missing.example: the domain does not exist",
        ),
        ("mailto:me@mx.example,you@missing.example", ("broken", "dns_nxdomain", "hard"), "@missing.example"),
        ("mailto:me@nothing.example", ("broken", "dns_nxdomain", "hard"), "neither MX nor address"),
        ("mailto:me@null.example", ("broken", "dns_nxdomain", "hard"), "null MX"),
        ("mailto:me@broken.example", ("broken", "dns_servfail", "transient"), "the name servers failed"),
        ("mailto:me@no.invalid", ("broken", "dns_nxdomain", "hard"), "does not exist"),
    ],
)
@pytest.mark.parametrize("full", [False, True])
def test_a_link_is_as_good_as_the_mail_of_its_domains(
    names: MailNames, url: str, judged: tuple[str, str, str | None], said: str, full: bool
) -> None:
    # Nothing that is set for pages gets in the way.
    strict = replace(SETTINGS, robots=True, suggest_https=True, soft_404=True, slow_ms=0.001)
    options = CheckOptions(required_text=("x",), request_headers={"X": "y"}, method="GET")
    (result,) = checked(names, Target(url, full, options=options), settings=strict)
    assert (result.verdict, result.reason, result.permanence) == judged
    assert (result.methods, result.status_code, result.bytes_read) == ((), None, 0)
    assert said in result.detail
    assert bool(said) == bool(result.detail)


def test_a_failure_that_may_pass_is_tried_again_and_one_that_will_not_is_not(names: MailNames) -> None:
    passing, lasting = checked(names, Target("mailto:me@broken.example"), Target("mailto:me@missing.example"))
    assert (passing.attempts, lasting.attempts) == (2, 1)
    assert names.asked["broken.example", "MX"] == 2
    assert names.asked["missing.example", "MX"] == 1


def test_a_domain_is_asked_for_once_for_all_links_and_never_in_the_thread_of_the_transfers(names: MailNames) -> None:
    results = checked(names, *(Target(f"mailto:{number}@mx.example") for number in range(200)))
    assert {result.reason.value for result in results} == {"ok"}
    assert names.asked == {("mx.example", "MX"): 1}
    assert names.threads == {"resolver"}


def test_mail_links_are_left_out_unless_they_are_asked_for(names: MailNames) -> None:
    link = "mailto:me@mx.example"
    off, on = CheckOptions(mailto=False), CheckOptions(mailto=True)
    without = checked(names, Target(link), Target(link, options=on), settings=replace(SETTINGS, mailto=False))
    (refused,) = checked(names, Target(link, options=off))
    reasons = [result.reason.value for result in (*without, refused)]
    assert reasons == ["unsupported_scheme", "ok", "unsupported_scheme"]


def test_name_servers_that_say_nothing_hold_up_no_other_link(names: MailNames) -> None:
    with silent_name_server() as silent:
        with pytest.raises(Unfound) as late:
            system_exchangers("mx.example", [silent], longest_s=0.2)
        assert late.value.reason == "dns_timeout"
        lookup = partial(system_exchangers, servers=[silent], longest_s=1.0)
        engine = Engine(replace(SETTINGS, connect_timeout_s=0.3, retries=0), mail_lookup=lookup)
        (result,) = engine.check([Target("mailto:me@mx.example")])
        engine.close()
    assert (result.verdict, result.reason, result.permanence) == ("broken", "dns_timeout", "transient")
    assert "no answer within 0.3 seconds" in result.detail


def test_the_domains_of_one_link_are_looked_up_within_its_time(names: MailNames) -> None:
    def slowly(domain: str) -> Sequence[str]:
        time.sleep(0.2)
        return names.lookup(domain)

    engine = Engine(replace(SETTINGS, total_timeout_s=0.3), mail_lookup=slowly)
    (result,) = engine.check([Target("mailto:?to=a@mx.example,b@a.example,c@aaaa.example,d@missing.example")])
    engine.close()
    assert (result.verdict, result.reason, result.permanence) == ("broken", "timeout_total", "transient")
    assert "2 of its domains" in result.detail
