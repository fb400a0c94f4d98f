"""Options of link, host and workspace: which has the last word, and what headers they make."""

import pytest

from tasks.links.options import BasicAuth, CheckOptions, headers_of, merged, named
from tasks.links.verdict import Verdict

Options = CheckOptions


@pytest.mark.parametrize(
    ("lower", "upper", "both"),
    [
        (Options(), Options(method="GET"), Options(method="GET")),
        (Options(timeout_s=5, robots=True), Options(timeout_s=1), Options(timeout_s=1, robots=True)),
        (Options(robots=True), Options(robots=False), Options(robots=False)),
        (Options(slow_ms=5), Options(slow_ms=0), Options(slow_ms=0)),
        (Options(required_text=("a",)), Options(required_text=("b",)), Options(required_text=("b",))),
        (Options(required_text=("a",)), Options(method="GET"), Options(required_text=("a",), method="GET")),
        (Options(method="HEAD"), Options(required_text=("a",)), Options(required_text=("a",))),
        (Options(json_values={"a": 1}), Options(json_values={"b": 2}), Options(json_values={"a": 1, "b": 2})),
        (Options(cookies={"a": "1", "b": "1"}), Options(cookies={"b": "2"}), Options(cookies={"a": "1", "b": "2"})),
        (
            Options(verdicts={"403": Verdict.OK, "500": Verdict.OK}),
            Options(verdicts={"4xx": Verdict.BROKEN}),
            Options(verdicts={"500": Verdict.OK, "4xx": Verdict.BROKEN}),
        ),
        (
            Options(required_headers={"X-A": "1", "X-B": "1"}),
            Options(required_headers={"x-a": "2"}),
            Options(required_headers={"X-B": "1", "x-a": "2"}),
        ),
        (
            Options(request_headers={"X-Token": "1", "Accept-Language": "de"}, bearer_token="low", user_agent="Low/1"),
            Options(request_headers={"x-token": "2"}, basic_auth=BasicAuth("u", "p")),
            Options(
                request_headers={
                    "Accept-Language": "de",
                    "User-Agent": "Low/1",
                    "x-token": "2",
                    "Authorization": "Basic dTpw",
                }
            ),
        ),
        (
            Options(bearer_token="low"),
            Options(request_headers={"authorization": "own"}),
            Options(request_headers={"authorization": "own"}),
        ),
    ],
)
def test_the_upper_options_have_the_last_word(lower: Options, upper: Options, both: Options) -> None:
    assert merged(lower, upper) == both


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        (Options(), {}),
        (Options(request_headers={"X-A": "1"}), {"X-A": "1"}),
        (Options(basic_auth=BasicAuth("user", "päss:word")), {"Authorization": "Basic dXNlcjpww6Rzczp3b3Jk"}),
        (Options(bearer_token="t"), {"Authorization": "Bearer t"}),
        (Options(cookies={"a": "1", "b": "2"}), {"Cookie": "a=1; b=2"}),
        (Options(user_agent="Us/1", accept="text/html"), {"User-Agent": "Us/1", "Accept": "text/html"}),
    ],
)
def test_what_is_to_be_sent_is_sent_as_headers(options: Options, headers: dict[str, str]) -> None:
    assert headers_of(options) == headers


def test_a_header_is_found_however_it_is_written() -> None:
    assert named({"user-AGENT": "x"}, "User-Agent") == "x"
    assert named({}, "User-Agent") is None
