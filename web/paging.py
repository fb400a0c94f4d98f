"""Lists: `limit` and `cursor` in, `items`, `next_cursor` and a Link header out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec
from flask import Response, request
from google.protobuf.message import Message

from web import answers, proto
from web.access import caller
from web.cursors import BadCursor
from web.front import front
from web.problems import Fault, Problem


@dataclass(frozen=True)
class Start:
    """Where a page starts, how long it is, and what the list was filtered by."""

    workspace_id: str
    limit: int
    after: str
    filters: dict[str, Any]
    bound: str

    @property
    def query(self) -> dict[str, Any]:
        """The fields that every service's list takes."""
        return {"workspace_id": self.workspace_id, "limit": self.limit, "after": self.after}


def start(arguments: dict[str, Any]) -> Start:
    """The start that the query asks for; `arguments` are the loaded query of the route."""
    filters = {name: value for name, value in arguments.items() if name not in ("limit", "cursor")}
    workspace_id = str(caller().workspace_id)
    bound = msgspec.json.encode((workspace_id, request.path, sorted(filters.items()))).decode()
    return Start(workspace_id, arguments["limit"], _after(arguments.get("cursor", ""), bound), filters, bound)


def answer(page: Message, begun: Start) -> Response:
    """The page of a service (`items` and `next`)."""
    content = proto.to_json(page)
    return listed(content["items"], content["next"], begun)


def listed(items: list[Any], after: str, begun: Start) -> Response:
    """A page of items; `after` is where the next one starts, empty on the last."""
    following = cursor(after, begun)
    headers = {"Link": f'<{_next_url(following)}>; rel="next"'} if following else {}
    return answers.json({"items": items, "next_cursor": following}, headers=headers)


def cursor(after: str, begun: Start) -> str | None:
    """The cursor that starts after this sort key; None at the end."""
    return front().cursors.write(after, begun.bound) if after else None


def _after(cursor: str, bound: str) -> str:
    if not cursor:
        return ""
    try:
        return front().cursors.read(cursor, bound)
    except BadCursor as error:
        detail = "This cursor is not of this list with these filters; start again without it."
        raise Problem(400, detail, slug="bad-cursor", errors=[Fault("/cursor", detail)]) from error


def _next_url(cursor: str) -> str:
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "cursor"]
    return f"{request.path}?{urlencode([*kept, ('cursor', cursor)])}"
