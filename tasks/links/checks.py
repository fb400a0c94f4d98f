"""Pure: a check as it is stored, without what goes without saying, and in full again.

Most checks are one request for the link's own URL: of those, its columns say nothing that the link or the status says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.links.result import Hop, Result

PHASES = ("dns", "connect", "tls", "ttfb", "total")
USUAL_METHODS = ("HEAD",)
SHORTENED = frozenset(("url", "final_url", "hops", "timings_ms", "methods", "detail"))


def stored(url: str, result: Result) -> dict[str, Any]:
    """The columns of a check of a link that has this URL, in place of `SHORTENED`."""
    alone = len(result.hops) == 1 and _is_usual(result.hops[0], url, result.status_code)
    return {
        "url": None,
        "final_url": None if result.final_url == url else result.final_url or "",
        "hops": None if alone else result.hops,
        "ip": result.hops[0].ip if alone else None,
        **{f"{phase}_ms": result.timings_ms.get(phase) for phase in PHASES},
        "methods": None if result.methods == USUAL_METHODS else list(result.methods),
        "detail": result.detail or None,
    }


def in_full(row: Mapping[str, Any]) -> dict[str, Any]:
    """What people see in place of what was left out. `url` must be the one that was checked."""
    url, methods = row["url"], row["methods"]
    # Only rows from before anything was left out have these.
    is_old = row["timings_ms"] is not None
    return {
        "url": url,
        "final_url": url if row["final_url"] is None and not is_old else row["final_url"] or None,
        "hops": _hops(row),
        "timings_ms": row["timings_ms"] if is_old else _timings(row),
        "methods": list(USUAL_METHODS) if methods is None else methods,
        "detail": row["detail"] or "",
    }


def _is_usual(hop: Hop, url: str, status_code: int | None) -> bool:
    return hop.url == url and hop.status == status_code


def _hops(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    if row["hops"] is not None:
        return list(row["hops"])
    return [{"url": row["url"], "status": row["status_code"], "ip": row["ip"]}]


def _timings(row: Mapping[str, Any]) -> dict[str, float]:
    found = {phase: row[f"{phase}_ms"] for phase in PHASES}
    return {phase: took for phase, took in found.items() if took is not None}
