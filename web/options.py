"""Options of links on their way in: judged, parted from their secrets, and those sealed before anything is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import msgspec
from marshmallow import ValidationError

from contracts import links_pb2 as pb
from tasks.intake.reading import Line
from tasks.links.disclosure import NothingSet, parted, whole
from tasks.links.messages import LinkSettings, link_id
from tasks.links.options import CheckOptions
from tasks.links.validity import InvalidOptions, refuse
from tasks.urls import InvalidUrl, normalise
from web.access import caller
from web.front import front
from web.problems import Fault, faults_in
from web.schemas.options import CheckOptionsSchema

# So many links' secrets fit in one call, however many each has.
SEALED_AT_ONCE = 200
CONFIRMATION = ("confirm_hard", "confirm_transient", "min_confirm_s")

_SCHEMA = CheckOptionsSchema()


class Refused(ValueError):
    """Options cannot be used; `faults` say where and why."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(f"{faults[0].pointer.lstrip('/')}: {faults[0].detail}")
        self.faults = faults


def settings_of(given: Mapping[str, Any]) -> tuple[LinkSettings | None, dict[str, Any] | None]:
    """What is set on a link, in clear, and its secrets, which are not. Raises `Refused`."""
    settings = LinkSettings(**{name: given.get(name) for name in CONFIRMATION})  # type: ignore[arg-type]  # judged before
    if given.get("options") is None:
        return (settings if settings.confirmation else None), None
    shown, secrets = parted(_judged(given["options"]))
    return replace(settings, options=shown), secrets or None


def sealed(lines: Iterable[Line]) -> Iterator[Line]:
    """The same lines with their secrets sealed, many at a time. Raises `rpc.Failure` while nobody can."""
    lines = iter(lines)
    while chunk := list(islice(lines, SEALED_AT_ONCE)):
        yield from _sealed(chunk) if any(line.secrets for line in chunk) else chunk


def _sealed(lines: list[Line]) -> list[Line]:
    workspace = caller().workspace_id
    wanted: list[pb.Secrets] = []
    places: list[int] = []
    for place, line in enumerate(lines):
        if not line.secrets or line.settings is None:
            continue
        try:
            identity = link_id(workspace, normalise(line.url))
        except InvalidUrl:
            # It will be rejected by its number.
            continue
        places.append(place)
        wanted.append(pb.Secrets(link_id=str(identity), secrets_json=msgspec.json.encode(line.secrets).decode()))
    request = pb.SealSecretsRequest(workspace_id=str(workspace), items=wanted)
    answer = front().services.links.call("SealSecrets", request)
    done = [line._replace(secrets=None) for line in lines]
    for place, text in zip(places, answer.items, strict=True):
        settings = done[place].settings
        assert settings is not None
        done[place] = done[place]._replace(settings=replace(settings, secrets=text))
    return done


def _judged(options: Any) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = _SCHEMA.load(options)
        known = {name: value for name, value in loaded.items() if value not in (None, {}, [])}
        refuse(msgspec.convert(whole(known, {}), CheckOptions))
    except ValidationError as error:
        raise Refused(list(faults_in(error.messages, "/options"))) from error
    except NothingSet as error:
        raise Refused([Fault(f"/options/{error.place}", "there is no value yet that could stay")]) from error
    except InvalidOptions as error:
        raise Refused([Fault(f"/options/{error.place}".rstrip("/"), error.detail)]) from error
    return known
