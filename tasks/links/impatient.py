"""The border to Redis for those who would rather go on without it than wait."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

PATIENCE_S = 1.0


def connect(url: str, name: str) -> redis.Redis:
    """A client that asks once, waits `PATIENCE_S` for each answer, and is called `name` there."""
    return redis.Redis.from_url(
        url,
        socket_timeout=PATIENCE_S,
        socket_connect_timeout=PATIENCE_S,
        retry=Retry(NoBackoff(), 0),
        client_name=name,
    )
