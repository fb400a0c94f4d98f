"""Secrets of options: parted from what is shown, put back when used, kept when they come back unshown."""

from typing import Any

import pytest

from tasks.links.disclosure import SET, NothingSet, changed, names_of, parted, whole

OPTIONS: dict[str, Any] = {
    "timeout_s": 5,
    "request_headers": {"X-Token": "sesame", "Accept-Language": "de"},
    "cookies": {"session": "abc"},
    "basic_auth": {"username": "user", "password": "secret"},
    "bearer_token": "jwt",
}
SHOWN: dict[str, Any] = {
    "timeout_s": 5,
    "request_headers": {"X-Token": SET, "Accept-Language": "de"},
    "cookies": {"session": SET},
    "basic_auth": SET,
    "bearer_token": SET,
}


def test_what_may_be_a_secret_is_not_shown_and_comes_back_where_it_was() -> None:
    shown, secrets = parted(OPTIONS)
    assert shown == SHOWN
    assert names_of(secrets) == ["basic_auth", "bearer_token", "request_headers/X-Token", "cookies/session"]
    assert not any(secret in str(shown) for secret in ("sesame", "abc", "user", "secret", "jwt"))
    assert whole(shown, secrets) == OPTIONS


def test_options_without_a_secret_are_shown_as_they_are() -> None:
    plain = {"method": "GET", "request_headers": {"accept-language": "id"}, "cookies": {}}
    assert parted(plain) == (plain, {})


@pytest.mark.parametrize(
    ("change", "after"),
    [
        ({"timeout_s": 9}, OPTIONS | {"timeout_s": 9}),
        ({"bearer_token": None}, {name: value for name, value in OPTIONS.items() if name != "bearer_token"}),
        ({"bearer_token": "new"}, OPTIONS | {"bearer_token": "new"}),
        ({"basic_auth": SET}, OPTIONS),
        ({"request_headers": {"X-Token": SET}}, OPTIONS | {"request_headers": {"X-Token": "sesame"}}),
        ({"cookies": {"session": SET, "more": "1"}}, OPTIONS | {"cookies": {"session": "abc", "more": "1"}}),
    ],
)
def test_what_is_not_named_stays_and_what_is_shown_as_set_stays(change: dict[str, Any], after: dict[str, Any]) -> None:
    _, secrets = parted(OPTIONS)
    assert changed(SHOWN, secrets, change) == after


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"bearer_token": SET}, "bearer_token"),
        ({"cookies": {"session": SET}}, "cookies/session"),
        ({"request_headers": {"X-Token": SET}}, "request_headers/X-Token"),
    ],
)
def test_a_secret_that_is_not_there_cannot_stay(change: dict[str, Any], place: str) -> None:
    with pytest.raises(NothingSet) as refused:
        changed({}, {}, change)
    assert refused.value.place == place
