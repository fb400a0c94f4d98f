import base64
from ipaddress import ip_network
from pathlib import Path

import pytest

from config.settings import Broker, Database, Links, Notifications, Rpc, SettingsError, load

KEY = base64.b64encode(bytes(range(32))).decode()


def test_settings_are_read_by_name_with_defaults_for_the_rest() -> None:
    links = load(Links, {"PRANALA_CONFIRM_HARD": "1", "PRANALA_ALLOW_NETWORKS": "127.0.0.0/8, fd00::/8"})
    assert links.confirm_hard == 1
    assert links.confirm_transient == 3
    assert links.allow_networks == (ip_network("127.0.0.0/8"), ip_network("fd00::/8"))


def test_ports_are_single_ones_and_ranges() -> None:
    assert load(Links, {"PRANALA_ALLOW_PORTS": "80, 443,8000-8999"}).allow_ports == ((80, 80), (443, 443), (8000, 8999))


@pytest.mark.parametrize("text", ["http", "0", "65536", "90-80", "80-", "-80", "80,,443", "80-90-100"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"PRANALA_ALLOW_PORTS.*neither a port nor a range"):
        load(Links, {"PRANALA_ALLOW_PORTS": text})


def test_each_service_has_a_database_setting_of_its_own() -> None:
    environ = {"PRANALA_LINKS_DATABASE_URL": "postgresql+psycopg://links", "PRANALA_AUDIT_DATABASE_URL": "other"}
    assert load(Database, environ, "links").url == "postgresql+psycopg://links"


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    assert load(Rpc, {"PRANALA_RPC_TOKEN_FILE": str(tmp_path / "token")}).token == "secret"


@pytest.mark.parametrize(
    ("kind", "environ", "named"),
    [
        (Broker, {}, "PRANALA_BROKER_URL is not set"),
        (Broker, {"PRANALA_BROKER_URL": ""}, "PRANALA_BROKER_URL is not set"),
        (Broker, {"PRANALA_BROKER_URL_FILE": "/nowhere"}, "PRANALA_BROKER_URL_FILE names /nowhere"),
        (Links, {"PRANALA_CONFIRM_HARD": "two"}, "PRANALA_CONFIRM_HARD is malformed"),
        (Links, {"PRANALA_CONFIRM_HARD": "0"}, "expected a number from 1 on"),
        (Links, {"PRANALA_CONFIRM_OFFSETS_S": "1,1,2"}, "each larger than the one before"),
        (Links, {"PRANALA_CONFIRM_OFFSETS_S": "0,1"}, "expected positive"),
        (Links, {"PRANALA_ALLOW_NETWORKS": "127.0.0.1/8"}, "PRANALA_ALLOW_NETWORKS is malformed"),
        (Notifications, {"PRANALA_NOTIFICATIONS_KEY": "c2hvcnQ="}, "expected 32 bytes"),
        (Rpc, {"PRANALA_RPC_TOKEN": "t", "PRANALA_RPC_SERVICES": "links,moon"}, "no such service: moon"),
    ],
)
def test_what_is_missing_or_malformed_is_named(kind: type, environ: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        load(kind, environ)


def test_a_malformed_secret_is_not_told() -> None:
    with pytest.raises(SettingsError) as raised:
        load(Notifications, {"PRANALA_NOTIFICATIONS_KEY": "hunter2-not-base64!"})
    assert "hunter2" not in str(raised.value)
    assert load(Notifications, {"PRANALA_NOTIFICATIONS_KEY": KEY}).key == bytes(range(32))
