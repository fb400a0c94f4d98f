"""What happens on the path and can be counted, for Prometheus; `workers/metrics.py` shows it."""

from __future__ import annotations

from prometheus_client import Counter

SENT = Counter("pranala_relay_sent", "Messages that the broker confirmed, by outbox", ("service",))
REFUSED = Counter("pranala_relay_refused", "Times that the broker did not take a message", ("service",))
CONNECTED = Counter("pranala_relay_connections", "Connections to the broker that were made", ("service",))
PUT_BACK = Counter("pranala_relay_put_back", "Batches sent again to a broker that lost its disk", ("service",))
SENT_AGAIN = Counter("pranala_parts_sent_again", "Parts of submissions that outlived their lease")
ABSORBED = Counter("pranala_duplicates_absorbed", "What came again and changed nothing", ("service",))
BURIED = Counter("pranala_dead_letters", "Messages that no worker could do, by queue and reason", ("queue", "reason"))
