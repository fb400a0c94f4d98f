"""Runs one service's history against its own database. Alembic calls this file; `workers.migrate` names the service."""

from __future__ import annotations

import importlib

from alembic import context
from sqlalchemy import create_engine, pool, text

config = context.config
service = config.attributes.get("service") or config.get_main_option("service")
url = config.attributes.get("url") or config.get_main_option("url")
models = importlib.import_module(f"tasks.{service}.models")


# Cut from tables of the models; which there are is the tick's affair.
PARTITIONS = "SELECT relname FROM pg_class WHERE relispartition"


def run() -> None:
    """Migrate under an advisory lock, so that two processes that start together do it once."""
    engine = create_engine(url, poolclass=pool.NullPool, connect_args={"connect_timeout": 5})
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(hashtextextended('pranala migrations', 0))"))
        partitions = set(connection.execute(text(PARTITIONS)).scalars())
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=models.Base.metadata,
            compare_server_default=True,
            include_name=lambda name, kind, _: kind != "table" or name not in partitions,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
