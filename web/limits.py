"""How much of what may be asked in one request."""

from __future__ import annotations

# A whole JSON document must be held in memory; a batch of lines need not.
JSON_MIB = 1
BATCH_JSON_MIB = 32

# Patterns as Python and JSON Schema both read them; `$` would let a line break through at the end.
ONE_LINE = r"^(?![\s\S]*[\x00-\x1f\x7f])"
NO_NUL = r"^(?![\s\S]*\x00)"
IDEMPOTENCY_KEY = r"^[!-~]{1,255}$"

PAGE_MOST = 200
PAGE_USUAL = 50

INTERVAL_SHORTEST_S = 1
INTERVAL_LONGEST_S = 366 * 86_400
WINDOW_LONGEST_S = 31 * 86_400
CONFIRM_LONGEST_S = 30 * 86_400
TAGS_MOST = 20
TAG_LONGEST = 64
EXTERNAL_ID_LONGEST = 255
URL_LONGEST = 8192

TITLE_LONGEST = 200
NOTIFICATION_BODY_LONGEST = 10_000
NAME_LONGEST = 200

# One request acts on so many links, in calls of so many; a client goes on where it ended.
ACTED_ON_MOST = 10_000
ACTED_ON_AT_ONCE = 1000

AUDIT_EVENTS_MOST = 1000
AUDIT_TEXT_LONGEST = 500
AUDIT_DETAILS_BYTES = 16 * 1024
AUDIT_DETAILS_LEVELS = 16
