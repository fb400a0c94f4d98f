"""Results as a check would give them, by their reason."""

from __future__ import annotations

from datetime import datetime

from tasks.links.result import Hop, Result
from tasks.links.verdict import JUDGEMENTS, Reason

STATUS = {Reason.OK: 200, Reason.HTTP_404: 404, Reason.HTTP_5XX: 500, Reason.FORBIDDEN: 403}


def result(reason: Reason, at: datetime, url: str = "https://a.example/", full: bool = True) -> Result:
    """A check of `url` that came to this."""
    judged = JUDGEMENTS[reason]
    return Result(
        verdict=judged.verdict,
        reason=judged.reason,
        permanence=judged.permanence,
        status_code=STATUS.get(reason),
        final_url=url,
        suggested_url=None,
        hops=(Hop(url, STATUS.get(reason), "192.0.2.1"),),
        methods=("GET",) if full else ("HEAD",),
        attempts=1,
        timings_ms={"total": 12.5},
        tls_not_after=None,
        bytes_read=0,
        retry_after_s=None,
        started_at=at,
        finished_at=at,
        detail="",
    )
