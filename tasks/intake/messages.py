"""What intake can be asked. What it accepted it asks of the services in their own messages."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.wire import Message


@dataclass(frozen=True)
class SweepSubmissions(Message):
    """Time has passed: send again what is accepted but not finished, forget old Idempotency-Keys."""
