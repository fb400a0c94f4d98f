"""One Alembic history per service."""
