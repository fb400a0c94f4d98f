"""Where the databases are: at the URLs that the environment gives, or in the data directory of `pranala up`."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from cli.backups.errors import BackupError
from cli.local.backing import SERVICES, Given, launch_postgres, make_local
from cli.local.credentials import Credentials
from cli.local.data import DataDir
from cli.local.databases import create_databases
from cli.local.ports import Ports
from cli.local.postgres import superuser_url
from cli.local.supervisord import Supervisord

# What seals secrets in the databases, by setting and by its name among a data directory's credentials.
KEYS = {"PRANALA_LINKS_KEY": "links-key", "PRANALA_NOTIFICATIONS_KEY": "notifications-key"}


@dataclass(frozen=True)
class Place:
    """The databases' URLs by service, and fingerprints of the keys that are known; `data` where it is a directory."""

    urls: Mapping[str, str]
    words: str
    keys: Mapping[str, str] = field(default_factory=dict)
    data: DataDir | None = None


@contextmanager
def as_it_is(env: Mapping[str, str]) -> Iterator[Place]:
    """The databases, whether the product runs or not."""
    data = DataDir.from_environment(env)
    if given := _given(env):
        yield given
    elif data.holder() is None:
        with standing_still(env) as place:
            yield place
    else:
        credentials, port = Credentials(data.root / "secrets.json"), Ports(data.root / "ports.json").known("postgres")
        url = Given(env).get("PRANALA_POSTGRES_URL") or superuser_url(credentials, port or 0)
        yield _of(data, create_databases(url, SERVICES, credentials), credentials)


@contextmanager
def standing_still(env: Mapping[str, str]) -> Iterator[Place]:
    """The databases of a product that does not run, and will not meanwhile if it is the data directory's."""
    if given := _given(env):
        yield given
        return
    data = DataDir.from_environment(env)
    with data.locked() as lock, Supervisord(data, lock) as supervisord:
        local = make_local(data, supervisord, Given(env))
        backing = launch_postgres(local, Given(env))
        yield _of(data, backing.database_urls, local.credentials)


def are_given(env: Mapping[str, str]) -> bool:
    """Whether the environment says where the databases are."""
    return _given(env) is not None


def fingerprint(key: str) -> str:
    """By which a key is known; it cannot be guessed from it, being 32 random bytes."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def _given(env: Mapping[str, str]) -> Place | None:
    given = Given(env)
    urls = {service: url for service in SERVICES if (url := given.database(service))}
    if not urls:
        return None
    keys = {setting: fingerprint(key) for setting in KEYS if (key := given.get(setting))}
    return Place(urls, "given by PRANALA_<SERVICE>_DATABASE_URL", keys)


def _of(data: DataDir, urls: Mapping[str, str], credentials: Credentials) -> Place:
    known = json.loads((data.root / "secrets.json").read_text(encoding="utf-8"))
    keys = {setting: fingerprint(known[name]) for setting, name in KEYS.items() if name in known}
    return Place(urls, f"in {data.root}", keys, data)


def require(place: Place, services: tuple[str, ...]) -> tuple[str, ...]:
    """The services that are meant, all where none is named. Raises BackupError for one whose database is not known."""
    wanted = services or SERVICES
    if missing := [service for service in wanted if service not in place.urls]:
        names = ", ".join(f"PRANALA_{service.upper()}_DATABASE_URL" for service in missing)
        raise BackupError(f"{names} (or with _FILE) is not set. Set it, or name the services with --service.")
    return wanted
