import uuid

import pytest

from config.settings import NOTIFICATIONS_KEY
from tasks.vault import Vault, VaultError

WORKSPACE, CHANNEL = uuid.uuid4(), uuid.uuid4()


def test_what_was_sealed_opens_again() -> None:
    vault = Vault(bytes(32), NOTIFICATIONS_KEY)
    assert vault.open(vault.seal("whsec_x", WORKSPACE, CHANNEL), WORKSPACE, CHANNEL) == "whsec_x"


def test_a_sealed_secret_shows_nothing_and_never_looks_the_same_twice() -> None:
    vault = Vault(bytes(32), NOTIFICATIONS_KEY)
    first, second = (vault.seal("whsec_x", WORKSPACE, CHANNEL) for _ in range(2))
    assert first != second
    assert b"whsec" not in first


@pytest.mark.parametrize(("workspace", "channel"), [(uuid.uuid4(), CHANNEL), (WORKSPACE, uuid.uuid4())])
def test_a_secret_opens_only_for_the_channel_it_was_sealed_for(workspace: uuid.UUID, channel: uuid.UUID) -> None:
    vault = Vault(bytes(32), NOTIFICATIONS_KEY)
    with pytest.raises(VaultError):
        vault.open(vault.seal("whsec_x", WORKSPACE, CHANNEL), workspace, channel)


def test_another_key_opens_nothing_and_the_error_names_the_setting() -> None:
    sealed = Vault(bytes(32), NOTIFICATIONS_KEY).seal("whsec_x", WORKSPACE, CHANNEL)
    with pytest.raises(VaultError, match="PRANALA_NOTIFICATIONS_KEY"):
        Vault(b"k" * 32, NOTIFICATIONS_KEY).open(sealed, WORKSPACE, CHANNEL)


@pytest.mark.parametrize("damage", [lambda s: s[:-1], lambda s: b"\x02" + s[1:], lambda s: b"", lambda s: s[:5]])
def test_a_damaged_secret_is_an_error_of_ours(damage: object) -> None:
    vault = Vault(bytes(32), NOTIFICATIONS_KEY)
    with pytest.raises(VaultError):
        vault.open(damage(vault.seal("whsec_x", WORKSPACE, CHANNEL)), WORKSPACE, CHANNEL)  # type: ignore[operator]
