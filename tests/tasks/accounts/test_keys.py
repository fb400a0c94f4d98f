import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.accounts.keys import PATTERN, hash_of, looks_valid, new_key

VALID = "pra_" + "0" * 30 + "2C8GjS"


def test_a_new_key_looks_valid_and_is_never_the_same() -> None:
    keys = {new_key() for _ in range(200)}
    assert len(keys) == 200
    assert all(looks_valid(key) for key in keys)


def test_the_published_pattern_finds_a_key_in_the_midst_of_text() -> None:
    key = new_key()
    assert re.findall(PATTERN, f'export PRANALA_TOKEN="{key}" # not pra_short') == [key]


def test_the_checksum_is_the_crc_32_of_the_random_part() -> None:
    assert looks_valid(VALID)
    assert not looks_valid("pra_" + "0" * 30 + "2C8GjA")


@given(st.integers(0, 35), st.sampled_from("0123456789ABCXYZabcxyz"))
def test_one_wrong_character_is_noticed(place: int, character: str) -> None:
    key = new_key()
    mistyped = key[: 4 + place] + character + key[5 + place :]
    assert looks_valid(mistyped) == (mistyped == key)


@pytest.mark.parametrize("text", ["", "pra_", "pra_wrong", "ghp_" + "a" * 36, f"{VALID}x", f" {VALID}", "pra_é"])
def test_what_is_no_key_is_refused_without_asking_anybody(text: str) -> None:
    assert not looks_valid(text)


def test_the_hash_is_that_of_every_other_sha_256() -> None:
    assert hash_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
