"""What a user sets for single links: how to ask, and what to expect of the answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.links.verdict import Verdict

JsonValue = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """Settings of one link; what is left out is as for all others.

    `verdicts` maps a status ("403") or a class of them ("5xx") to a verdict. A redirect is fine where one of
    `accepted_redirects` (regular expressions of RE2) is found in the URL that it ends at, and an `assertion_failed`
    where none is; so is a page without a `required_text` or with a `forbidden_text`, an answer in which a header of
    `required_headers` is missing or its expression is not found, and JSON whose `json_values` (by dotted path) are
    others. `request_headers` are sent to the link's own host and nowhere else. `method` is HEAD or GET.
    """

    verdicts: dict[str, Verdict] = field(default_factory=dict, hash=False)
    accepted_redirects: tuple[str, ...] = ()
    required_text: tuple[str, ...] = ()
    forbidden_text: tuple[str, ...] = ()
    required_headers: dict[str, str] = field(default_factory=dict, hash=False)
    json_values: dict[str, JsonValue] = field(default_factory=dict, hash=False)
    request_headers: dict[str, str] = field(default_factory=dict, hash=False)
    method: str | None = None
    timeout_s: float | None = None

    @property
    def reads_page(self) -> bool:
        """Does an expectation need the page itself, and not only its head?"""
        return bool(self.required_text or self.forbidden_text or self.required_headers or self.json_values)


@dataclass(frozen=True, slots=True)
class HostLimits:
    """How one host is spared, instead of the settings' own: transfers at once (0 is no limit), and the milliseconds
    between the starts of two requests. None is as the settings say."""

    concurrency: int | None = None
    interval_ms: int | None = None
