"""Writes docs/reference/verdicts.md from the rules that judge: the words stand here, the tables are the rules' own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from tasks.links.meaning import MEANINGS
from tasks.links.options import CheckOptions
from tasks.links.scrutiny import WEIGHT
from tasks.links.verdict import JUDGEMENTS, REDIRECTS, Judgement, Verdict, judge_status

PAGE = Path(__file__).with_name("verdicts.md")

INTRODUCTION = """\
# Verdicts

<!-- Written by `make docs` from tasks/links/ and docs/reference/verdicts.py; do not edit. -->

A check ends in a verdict and a reason, and what is broken is so in a hard or in a transient way: will the same check
likely come out better soon? How verdicts move a link's state is a matter of its own; a single verdict tells nobody.
"""
VERDICTS = {
    Verdict.OK: "the link works",
    Verdict.DEGRADED: "it works, and somebody should have a look",
    Verdict.BROKEN: "it does not work",
    Verdict.INCONCLUSIVE: "we cannot tell; it never opens an incident",
    Verdict.SKIPPED: "the link was not checked, which says nothing about it",
}
METHODS = """\
## How a link is asked for

A first check asks by HEAD where nothing but the status is of interest, and by GET where the URL has a fragment or the
link's options speak of the page. A HEAD is believed when it brings 2xx or 429, runs into a time-out, or fails in a way
that has nothing to do with the method (name, connection, TLS, a refused address); in all other cases the same check
asks once more by GET. A server whose HEAD told less than the truth is asked by GET from then on. A confirmation always
asks by GET, and reads the body to its end or to 1 MiB.

A transient failure is tried again within the check (`PRANALA_RETRIES`). Neither a 429 nor a 503 with Retry-After is:
the host is left alone as long as it asks for.
"""
STATUSES = """\
## Statuses

A redirect (301, 302, 303, 307, 308) is followed; its status counts only where it does not say where to.

Whatever the status, an answer with `cf-mitigated`, `x-vercel-mitigated` or `x-datadome` in an error, or with
`x-amzn-waf-action`, is a `bot_challenge`.
"""
WEIGHTS = """\
## When several things are to be said

A link that works may be slow and on its way to an expired certificate. The weightiest reason has the word, in this
order:
"""
FRAGMENTS = """\
## Fragments

`#name` promises an element with that id or an anchor with that name, as written or percent-decoded, or with GitHub's
`user-content-` before it. `#`, `#top`, the state of scripts (`#/route`, `#!page`, `#?query`, anything with `=`) and
lines of source files (`#L10-L20`) promise nothing. `#:~:text=` promises a text, with `prefix-,`, `,end` and `,-suffix`
as browsers read them: in whole words, regardless of case and white space.

Nothing is said to be missing from what is not HTML, from a page longer than 1 MiB, or from one that shows no text
until its scripts have run. `PRANALA_FRAGMENTS=off` asks for no fragment at all.

Links that are checked together and differ in their fragments alone are one request: the first that needs the page
fetches it, and each is judged by what came. Times and attempts are those of that request.
"""
ASKING = """\
## What else is asked of a server

These are off unless they are set, and each costs a server little: what is learnt is kept for an hour, or for five
minutes where the server failed to answer. None of their time counts to a link.

* `PRANALA_ROBOTS`: robots.txt, once for each server and for every hop. What it disallows is not asked for. A
  robots.txt that is missing, refused (401, 403), failing (5xx) or unreachable forbids nothing.
* `PRANALA_SUGGEST_HTTPS`: the https form of one http link, once for each server. It has to be answered with a trusted
  certificate, and to stay on https.
* `PRANALA_SOFT_404`: a random path of the same form, once for each folder. Where that is answered by 200 too, the page
  is fetched and compared: the same title and 95 % of the words, without the path and numbers that are mentioned, are
  suspicious. A home page, a page that asks for a password, and one that shows no text are never suspected.

`redirect_to_root` needs no request of its own. It is said of a redirect to `/` of the same site (with or without
`www.`), unless the query or a script's fragment names the page.
"""
MAILTO = """\
## mailto links

With `PRANALA_MAILTO=on` the DNS is asked for the domain of each address, of several in one link and of those in its
`to`, `cc` and `bcc` too (the first 20 domains). No mail server is connected to, so nothing is said of the mailbox.

| what the DNS says of a domain | verdict | reason |
|---|---|---|
| an MX that names a host, or no MX but an address (RFC 5321, 5.1) | ok | `ok` |
| no such domain, neither MX nor address, or a null MX (RFC 7505) | broken hard | `dns_nxdomain` |
| no answer in time | broken transient | `dns_timeout` |
| the domains of a link took longer than `PRANALA_TOTAL_TIMEOUT_S` | broken transient | `timeout_total` |
| the name servers fail | broken transient | `dns_servfail` |

A domain with a null MX exists, but the sender cannot tell it from one that does not: no server will ever take the mail.
The first domain that fails has the word. An address without a domain, and a link without anything, are `url_invalid`. A
link that leaves the address to its reader (`mailto:?subject=…`) is `ok`, and so is an IP address in brackets. What the
options of a link expect of pages has no meaning here.
"""
OPTIONS = """\
## Options of a link

They can be set for a link, for a host and for a workspace; the link has the last word, then the host.

| option | what |
|---|---|
"""
OPTION_WORDS = {
    "verdicts": "a status (`403`) or a class (`5xx`) and the verdict it shall have; the reason stays",
    "accepted_redirects": "expressions of RE2; a redirect to a URL with one is `ok`, any other `assertion_failed`",
    "required_text": "texts that must be there, as sent or as read",
    "forbidden_text": "texts that must not be there",
    "required_headers": "headers that must be there, and an expression of RE2 to be found in each",
    "json_values": "a path such as `items.0.name` and the value it must have",
    "request_headers": "headers to send, to the link's own scheme, host and port, and to its https twin",
    "cookies": "cookies to send, to the same",
    "basic_auth": "user name and password to send, to the same",
    "bearer_token": "a token to send as `Authorization: Bearer`, to the same",
    "user_agent": "what the checker calls itself, also to robots.txt",
    "accept": "the kinds of content to ask for",
    "method": "HEAD or GET, and no other",
    "timeout_s": "seconds for the whole check, at most 120",
    "connect_timeout_s": "seconds to connect, at most 120",
    "robots": "instead of `PRANALA_ROBOTS`",
    "mailto": "instead of `PRANALA_MAILTO`; set for a link or the workspace, as no host is asked",
    "fragments": "instead of `PRANALA_FRAGMENTS`",
    "suggest_https": "instead of `PRANALA_SUGGEST_HTTPS`",
    "soft_404": "instead of `PRANALA_SOFT_404`",
    "slow_ms": "instead of `PRANALA_SLOW_MS`",
    "tls_warn_days": "instead of `PRANALA_TLS_WARN_DAYS`",
}


def page() -> str:
    """The whole page."""
    reasons = [_reasons(verdict) for verdict in Verdict]
    weights = "".join(f"{place}. `{reason}`\n" for place, reason in enumerate(WEIGHT, 1))
    statuses = STATUSES + "\n" + _statuses()
    options = OPTIONS + "".join(_option(field.name) for field in dataclasses.fields(CheckOptions))
    return "\n".join([INTRODUCTION, *reasons, METHODS, statuses, WEIGHTS, weights, FRAGMENTS, ASKING, MAILTO, options])


def _reasons(verdict: Verdict) -> str:
    head = f"## {str(verdict).capitalize()}: {VERDICTS[verdict]}\n\n"
    rows = [(reason, judged) for reason, judged in JUDGEMENTS.items() if judged.verdict is verdict]
    if verdict is not Verdict.BROKEN:
        table = "".join(f"| `{reason}` | {MEANINGS[reason]} |\n" for reason, _ in rows)
        return head + "| reason | what |\n|---|---|\n" + table
    table = "".join(f"| `{reason}` | {judged.permanence} | {MEANINGS[reason]} |\n" for reason, judged in rows)
    return head + "| reason | | what |\n|---|---|---|\n" + table


def _statuses() -> str:
    rows = [
        *((_span(statuses), judged) for judged, statuses in _runs()),
        ("503 with Retry-After", judge_status(503, {"retry-after": "1"})),
    ]
    return "| status | verdict | reason |\n|---|---|---|\n" + "".join(
        f"| {span} | {' '.join(filter(None, (judged.verdict, judged.permanence)))} | `{judged.reason}` |\n"
        for span, judged in rows
    )


def _runs() -> Iterator[tuple[Judgement, list[int]]]:
    judged = ((judge_status(status), status) for status in range(200, 1000) if status not in REDIRECTS)
    for judgement, run in groupby(judged, lambda each: each[0]):
        yield judgement, [status for _, status in run]


def _span(statuses: Iterable[int]) -> str:
    first, *others = statuses
    return f"{first}–{others[-1]}" if others else str(first)  # noqa: RUF001  # an en dash, as in print


def _option(name: str) -> str:
    return f"| `{name}` | {OPTION_WORDS[name]} |\n"
