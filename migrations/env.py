"""Runs one service's history against its own database. Alembic calls this file; `workers.migrate` names the service."""

from __future__ import annotations

import importlib
import time

from alembic import context
from sqlalchemy import Connection, create_engine, pool, text

from migrations.online import TIMEOUTS

config = context.config
service = config.attributes.get("service") or config.get_main_option("service")
url = config.attributes.get("url") or config.get_main_option("url")
models = importlib.import_module(f"tasks.{service}.models")

# Cut from tables of the models; which there are is the tick's affair.
PARTITIONS = "SELECT relname FROM pg_class WHERE relispartition"
ALONE = "SELECT pg_try_advisory_lock(hashtextextended('pranala migrations', 0))"
CONNECT = {"connect_timeout": 5, "application_name": "pranala migrations"}
ASK_AGAIN_S = 0.2


def run() -> None:
    """Migrate under an advisory lock, so that two processes that start together do it once."""
    engine = create_engine(url, poolclass=pool.NullPool, connect_args=CONNECT)
    with engine.connect() as connection:
        _wait_until_alone(connection)
        for timeout in TIMEOUTS:
            connection.execute(text(timeout))
        partitions = set(connection.execute(text(PARTITIONS)).scalars())
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=models.Base.metadata,
            compare_server_default=True,
            # What is done stays done where a later revision does not get its lock.
            transaction_per_migration=True,
            include_name=lambda name, kind, _: kind != "table" or name not in partitions,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


def write() -> None:
    """Write what would be run, as SQL."""
    context.configure(
        dialect_name="postgresql",
        target_metadata=models.Base.metadata,
        literal_binds=True,
        transaction_per_migration=True,
        output_buffer=config.output_buffer,
    )
    context.execute(";\n".join(TIMEOUTS))
    with context.begin_transaction():
        context.run_migrations()


def _wait_until_alone(connection: Connection) -> None:
    """Asked again and again, each time anew: an index that is made concurrently waits for every query that runs."""
    while not connection.execute(text(ALONE)).scalar():
        connection.commit()
        time.sleep(ASK_AGAIN_S)
    connection.commit()


if context.is_offline_mode():
    write()
else:
    run()
