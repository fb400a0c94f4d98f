"""Words of the API that more than one kind of thing has."""

VERDICTS = ("ok", "degraded", "broken", "inconclusive", "skipped")
