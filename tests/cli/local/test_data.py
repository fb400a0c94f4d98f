"""The data directory is private, has one user at a time, and is never somebody else's."""

import socket
import stat
from pathlib import Path

import pytest

from cli.local.credentials import Credentials
from cli.local.data import LONGEST_SOCKET, DataDir
from cli.local.errors import LocalError
from cli.local.ports import Ports, is_free


def test_it_is_made_private(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    data.create()
    for folder in (data.root, data.run, data.log):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_directory_that_was_open_is_closed(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    data.create()
    data.root.chmod(0o755)
    with data.locked():
        assert stat.S_IMODE(data.root.stat().st_mode) == 0o700


def test_a_directory_that_holds_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    tmp_path.chmod(0o755)
    with pytest.raises(LocalError, match="was not made by Pranala"):
        DataDir(tmp_path).create()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_second_run_on_the_same_directory_is_told_who_holds_it(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    with data.locked():
        with pytest.raises(LocalError, match=r"already runs on .* \(process \d+\)"), data.locked():
            pass
        assert data.holder() is not None
    assert data.holder() is None


def test_the_socket_of_a_deep_directory_is_short_enough(tmp_path: Path) -> None:
    deep = DataDir(tmp_path / ("deep/" * 30))
    assert len(str(deep.socket)) <= LONGEST_SOCKET
    assert deep.socket != DataDir(tmp_path / ("deep/" * 31)).socket


def test_secrets_are_made_once_and_readable_by_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first = Credentials(path).get("redis")
    assert Credentials(path).get("redis") == first
    assert Credentials(path).get("rabbitmq") != first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_port_is_remembered_until_somebody_else_has_it(tmp_path: Path) -> None:
    port = Ports(tmp_path / "ports.json").get("redis")
    assert Ports(tmp_path / "ports.json").get("redis") == port
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port, "127.0.0.1")
        assert Ports(tmp_path / "ports.json").get("redis") != port
