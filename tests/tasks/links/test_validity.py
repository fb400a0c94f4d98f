"""Which options can be used, and how it is said which cannot."""

import msgspec
import pytest

from tasks.links.options import BasicAuth, CheckOptions
from tasks.links.validity import InvalidOptions, refuse
from tasks.links.verdict import Verdict


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (CheckOptions(verdicts={"40x": Verdict.OK}), "verdicts: '40x'"),
        (CheckOptions(verdicts={"": Verdict.OK}), "verdicts: ''"),
        (CheckOptions(accepted_redirects=("(",)), "is not a regular expression of RE2"),
        (CheckOptions(accepted_redirects=("(?=a)",)), "is not a regular expression of RE2"),
        (CheckOptions(required_headers={"a": "["}), "is not a regular expression of RE2"),
        (CheckOptions(request_headers={"Host": "x"}), "request_headers: 'Host'"),
        (CheckOptions(request_headers={"transfer-encoding": "x"}), "request_headers: 'transfer-encoding'"),
        (CheckOptions(request_headers={"A b": "x"}), "request_headers: 'A b'"),
        (CheckOptions(request_headers={"": "x"}), "request_headers: ''"),
        (CheckOptions(request_headers={"A:": "x"}), "request_headers: 'A:'"),
        (CheckOptions(request_headers={"A": "sec\r\nret"}), "request_headers: the value of A contains"),
        (CheckOptions(method="POST"), "method: 'POST'"),
        (CheckOptions(method="HEAD", required_text=("a",)), "method: HEAD brings no page"),
        (CheckOptions(timeout_s=0), "timeout_s"),
        (CheckOptions(timeout_s=float("nan")), "timeout_s"),
        (CheckOptions(timeout_s=1e9), "timeout_s"),
        (CheckOptions(connect_timeout_s=0), "connect_timeout_s"),
        (CheckOptions(slow_ms=-1), "slow_ms"),
        (CheckOptions(required_text=("",)), "required_text"),
        (CheckOptions(required_headers={"a b": "x"}), "required_headers"),
        (CheckOptions(request_headers={"A": "secä"}), "request_headers: the value of A contains"),
        (CheckOptions(request_headers={"A": "1", "a": "2"}), "request_headers: 'a' is named twice"),
        (CheckOptions(request_headers={"Cookie": "a=secret"}), "request_headers: Cookie is set by cookies"),
        (CheckOptions(request_headers={"accept": "x"}, accept="y"), "request_headers: accept is set by accept"),
        (CheckOptions(user_agent=" "), "user_agent"),
        (CheckOptions(cookies={"a b": "x"}), "cookies: 'a b'"),
        (CheckOptions(cookies={"a": "sec;ret"}), "cookies: 'a'"),
        (CheckOptions(basic_auth=BasicAuth("a:b", "secret")), "basic_auth: the user name contains a colon"),
        (CheckOptions(basic_auth=BasicAuth("a", "sec\nret")), "basic_auth"),
        (CheckOptions(bearer_token="sec ret"), "bearer_token"),
        (CheckOptions(bearer_token="t", basic_auth=BasicAuth("a", "b")), "basic_auth: set one of"),
        (CheckOptions(bearer_token="t", request_headers={"authorization": "x"}), "bearer_token: set one of"),
        (CheckOptions(required_text=("x",) * 51), "required_text: holds more than 50"),
        (CheckOptions(forbidden_text=("x" * 999,) * 9), "more than 8192 bytes together"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options: CheckOptions, said: str) -> None:
    with pytest.raises(InvalidOptions) as refused:
        refuse(options)
    assert said in str(refused.value)
    assert "sec" not in str(refused.value).replace("seconds", "")


def test_options_travel_as_json_and_can_be_keys() -> None:
    options = CheckOptions(
        verdicts={"403": Verdict.OK},
        accepted_redirects=("a",),
        required_text=("b",),
        required_headers={"c": "d"},
        json_values={"e": 1, "f": None, "g": True},
        request_headers={"h": "i"},
        cookies={"i": "j"},
        basic_auth=BasicAuth("k", "l"),
        robots=False,
        method="GET",
        timeout_s=1.5,
    )
    refuse(options)
    assert msgspec.json.decode(msgspec.json.encode(options), type=CheckOptions) == options
    assert len({options, CheckOptions()}) == 2


@pytest.mark.parametrize(
    ("options", "place"),
    [
        (CheckOptions(verdicts={"40x": Verdict.OK}), "verdicts/40x"),
        (CheckOptions(accepted_redirects=("a", "(")), "accepted_redirects/1"),
        (CheckOptions(request_headers={"Host": "x"}), "request_headers/Host"),
        (CheckOptions(timeout_s=0), "timeout_s"),
    ],
)
def test_the_place_of_what_cannot_be_used_is_named(options: CheckOptions, place: str) -> None:
    with pytest.raises(InvalidOptions) as refused:
        refuse(options)
    assert refused.value.place == place
