"""What users set for checks: how to ask, and what to expect of the answer."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from tasks.links.verdict import Verdict

JsonValue = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """A user name and a password, as RFC 7617 sends them."""

    username: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """Settings of a link, of a host or of a workspace; what is left out is as for all others.

    `verdicts` maps a status ("403") or a class of them ("5xx") to a verdict. A redirect is fine where one of
    `accepted_redirects` (regular expressions of RE2) is found in the URL that it ends at, and an `assertion_failed`
    where none is; so is a page without a `required_text` or with a `forbidden_text`, an answer in which a header of
    `required_headers` is missing or its expression is not found, and JSON whose `json_values` (by dotted path) are
    others. `request_headers`, `cookies`, `basic_auth`, `bearer_token`, `user_agent` and `accept` are sent to the
    link's own host and nowhere else. `method` is HEAD or GET. The rest are the settings of the same names.
    """

    verdicts: dict[str, Verdict] = field(default_factory=dict, hash=False)
    accepted_redirects: tuple[str, ...] = ()
    required_text: tuple[str, ...] = ()
    forbidden_text: tuple[str, ...] = ()
    required_headers: dict[str, str] = field(default_factory=dict, hash=False)
    json_values: dict[str, JsonValue] = field(default_factory=dict, hash=False)
    request_headers: dict[str, str] = field(default_factory=dict, hash=False)
    cookies: dict[str, str] = field(default_factory=dict, hash=False)
    basic_auth: BasicAuth | None = None
    bearer_token: str | None = None
    user_agent: str | None = None
    accept: str | None = None
    method: str | None = None
    timeout_s: float | None = None
    connect_timeout_s: float | None = None
    robots: bool | None = None
    mailto: bool | None = None
    fragments: bool | None = None
    suggest_https: bool | None = None
    soft_404: bool | None = None
    slow_ms: float | None = None
    tls_warn_days: float | None = None

    @property
    def reads_page(self) -> bool:
        """Does an expectation need the page itself, and not only its head?"""
        return bool(self.required_text or self.forbidden_text or self.required_headers or self.json_values)


NONE = CheckOptions()
NAMES = tuple(each.name for each in fields(CheckOptions))
# Written as headers, these are one with the others.
_HEADERS = ("basic_auth", "bearer_token", "user_agent", "accept")


@dataclass(frozen=True, slots=True)
class HostLimits:
    """How one host is spared, instead of the settings' own: transfers at once (0 is no limit), and the milliseconds
    between the starts of two requests. None is as the settings say."""

    concurrency: int | None = None
    interval_ms: int | None = None


def merged(lower: CheckOptions, upper: CheckOptions) -> CheckOptions:
    """The options where two have a say: the upper's, and of the lower what the upper says nothing of."""
    if lower == NONE:
        return upper
    said = {name: value for name in NAMES if (value := getattr(upper, name)) not in (None, (), {})}
    together: dict[str, Any] = {
        "verdicts": _verdicts(lower.verdicts, upper.verdicts),
        "required_headers": _over(lower.required_headers, upper.required_headers),
        "json_values": {**lower.json_values, **upper.json_values},
        "request_headers": _over(_sent_headers(lower), _sent_headers(upper)),
        "cookies": {**lower.cookies, **upper.cookies},
    }
    if upper.reads_page and lower.method == "HEAD":
        # HEAD brings no page; whoever wants something of it has the last word.
        lower = replace(lower, method=None)
    return replace(lower, **{**said, **dict.fromkeys(_HEADERS), **together})


def headers_of(options: CheckOptions) -> dict[str, str]:
    """The headers that a request to the link's own host carries beside the usual."""
    headers = _sent_headers(options)
    if options.cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in options.cookies.items())
    return headers


def named(headers: Mapping[str, str], name: str) -> str | None:
    """The value of a header, whose name may be written in any case."""
    return next((value for each, value in headers.items() if each.lower() == name.lower()), None)


def _sent_headers(options: CheckOptions) -> dict[str, str]:
    made = {"User-Agent": options.user_agent, "Accept": options.accept, "Authorization": _authorization(options)}
    return _over(options.request_headers, {name: value for name, value in made.items() if value is not None})


def _authorization(options: CheckOptions) -> str | None:
    if options.basic_auth is not None:
        pair = f"{options.basic_auth.username}:{options.basic_auth.password}"
        return f"Basic {b64encode(pair.encode()).decode()}"
    return None if options.bearer_token is None else f"Bearer {options.bearer_token}"


def _over(lower: Mapping[str, str], upper: Mapping[str, str]) -> dict[str, str]:
    """Headers, of which those below stay that the upper ones do not name in any case."""
    names = {name.lower() for name in upper}
    return {name: value for name, value in lower.items() if name.lower() not in names} | dict(upper)


def _verdicts(lower: Mapping[str, Verdict], upper: Mapping[str, Verdict]) -> dict[str, Verdict]:
    """Statuses, of which a class above speaks for all of its own below."""
    kept = {status: verdict for status, verdict in lower.items() if f"{status[:1]}xx" not in upper}
    return {**kept, **upper}
