"""The inbox: what was told already, longer than anybody says it again."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tasks import clock
from tasks.notifications.models import Heard

REMEMBERED = timedelta(days=7)


def is_new(session: Session, event_id: uuid.UUID) -> bool:
    """Take note of what was heard; whether it is heard for the first time."""
    heard = insert(Heard).values(event_id=event_id).on_conflict_do_nothing().returning(Heard.event_id)
    return session.scalar(heard) is not None


def forget(session: Session) -> None:
    """Forget what was heard so long ago that nobody says it again."""
    session.execute(delete(Heard).where(Heard.heard_at < clock.now() - REMEMBERED))
