"""Fetches RabbitMQ from Debian's or Ubuntu's archive: installed by root, unpacked by anybody else."""

import fcntl
import os
import platform
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cli.local.errors import LocalError, Missing
from cli.local.origin import Binary, Skip, find_rabbitmq, search_path, which

PACKAGE = "rabbitmq-server"
POLICY = Path("/usr/sbin/policy-rc.d")
NETWORK = ("-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20")
INSTALL = ("install", "-y", "--no-install-recommends")
WITHIN_S = 300

# invoke-rc.d asks the policy before it starts a service.
HOLD_BACK = """\
policy=$0
if [ -e "$policy" ] && [ ! -e "$policy.pranala" ]; then mv "$policy" "$policy.pranala"; fi
trap 'rm -f "$policy"; if [ -e "$policy.pranala" ]; then mv "$policy.pranala" "$policy"; fi' EXIT
printf '#!/bin/sh\\nexit 101\\n' > "$policy"
chmod 755 "$policy"
"$@"
"""

Say = Callable[[str], None]


def fetch_rabbitmq(folder: Path, skip: Skip, say: Say) -> Binary:
    """RabbitMQ where it was not; `folder` is for what an ordinary user unpacks. Raises Missing."""
    if unpacked := _unpacked(folder):
        return unpacked
    if "apt" in skip:
        raise Missing("fetching is switched off by PRANALA_LOCAL_SKIP")
    if which("apt-get") is None or which("dpkg-deb") is None:
        raise Missing("this is not Debian or Ubuntu")
    try:
        return _install(say) if os.getuid() == 0 else _unpack(folder, say)
    except LocalError as error:
        raise Missing(str(error)) from error


def _install(say: Say) -> Binary:
    with _alone():
        return find_rabbitmq(Skip()) or _install_now(say)


@contextmanager
def _alone() -> Iterator[None]:
    """Let no other launcher install meanwhile: apt would refuse the second, and both write the policy."""
    folder = os.open(POLICY.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _install_now(say: Say) -> Binary:
    say("installing rabbitmq-server with apt-get (its service is not started) …")
    _run("apt-get", *NETWORK, "update")
    _run("apt-get", *NETWORK, *INSTALL, "--download-only", PACKAGE)
    _run(*without_starting_services("apt-get", *INSTALL, PACKAGE), finish=True)
    installed = find_rabbitmq(Skip())
    if installed is None:
        raise LocalError("the package rabbitmq-server was installed, but has no /usr/lib/rabbitmq/bin")
    return Binary(installed.path, "installed with apt-get, its service not started")


def without_starting_services(*command: str, policy: Path = POLICY) -> tuple[str, ...]:
    """A command that puts the machine's own policy back whatever happens to the launcher meanwhile."""
    return ("/bin/sh", "-c", HOLD_BACK, str(policy), *command)


def _unpack(folder: Path, say: Say) -> Binary:
    """Download what is missing with apt's own judgement, and unpack it where we may write."""
    say("fetching RabbitMQ with apt-get download (nothing is installed) …")
    draft = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    lists = folder.with_name("apt")
    options = () if _is_offered(()) else _own_lists(lists)
    for package in _missing_packages(options):
        _run("apt-get", *NETWORK, *options, "download", package, cwd=draft)
    for archive in draft.glob("*.deb"):
        _run("dpkg-deb", "-x", str(archive), str(draft))
        archive.unlink()
    for leftover in (lists, folder):
        shutil.rmtree(leftover, ignore_errors=True)
    draft.rename(folder)
    _point_erlang_at(folder)
    unpacked = _unpacked(folder)
    if unpacked is None:
        raise LocalError("the packages that apt-get downloaded have no RabbitMQ that runs")
    return unpacked


def _is_offered(options: Sequence[str]) -> bool:
    """apt-cache says nothing at all of a package it has never heard of."""
    policy = _run("apt-cache", *options, "policy", PACKAGE)
    return "Candidate:" in policy and "Candidate: (none)" not in policy


def _own_lists(folder: Path) -> tuple[str, ...]:
    """A fresh container has no package lists, and only root may fetch them to the usual place."""
    lists, cache = folder / "lists", folder / "cache"
    for path in (lists / "partial", cache / "archives" / "partial"):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = ("-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={cache}", "-o", "Debug::NoLocking=1")
    _run("apt-get", *NETWORK, *options, "update")
    return options


def _missing_packages(options: Sequence[str]) -> list[str]:
    """RabbitMQ and those of its dependencies that this machine lacks."""
    plan = _run(
        "apt-get", *options, "-o", "Debug::NoLocking=1", "install", "--simulate", "--reinstall",
        "--no-install-recommends", PACKAGE,
    )  # fmt: skip
    return re.findall(r"^Inst (\S+)", plan, re.MULTILINE)


def _point_erlang_at(folder: Path) -> None:
    """Debian's `erl` has its own place written into it, and does not believe ERL_ROOTDIR."""
    script = folder / "usr/lib/erlang/bin/erl"
    if script.exists():
        text = script.read_text().replace("=/usr/lib/erlang", f"='{folder}/usr/lib/erlang'")
        script.write_text(text)


def _unpacked(folder: Path) -> Binary | None:
    script = folder / "usr/lib/rabbitmq/bin/rabbitmq-server"
    erlang = folder / "usr/lib/erlang/bin/erl"
    moved = erlang.exists() and str(folder) not in erlang.read_text()
    if moved or not os.access(script, os.X_OK):
        return None
    libraries = folder / "usr/lib" / f"{platform.machine()}-linux-gnu"
    env = {"PATH": f"{folder}/usr/lib/erlang/bin:{search_path()}", "LD_LIBRARY_PATH": str(libraries)}
    return Binary(script, f"fetched with apt-get download, unpacked in {folder}", env)


def _run(*command: str, cwd: Path | None = None, finish: bool = False) -> str:
    """`finish`: when interrupted let it come to its end, since a half-installed package is a broken machine."""
    env = {**os.environ, "PATH": search_path(), "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    process = subprocess.Popen(
        command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    try:
        output, errors = process.communicate(timeout=None if finish else WITHIN_S)
    except subprocess.TimeoutExpired as error:
        raise LocalError(f"{' '.join(command)} took more than {WITHIN_S} s") from error
    finally:
        if process.poll() is None and not finish:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.returncode != 0:
        raise LocalError(f"{' '.join(command)} failed: {(errors or output).strip()[-500:]}")
    return output
