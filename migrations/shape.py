"""What code relies on in a database: columns, whether they may be left out or be empty, and the rules that hold.

`python -m migrations.shape 1.2.0` records it for a release, of every database whose URL is given, under
`contracts/schemas/`. The tests hold the newest schema against each record, because code of that release is still at
work while a deployment goes on.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, text

from config.settings import SERVICES, Database, load

RECORDS = Path(__file__).parent.parent / "contracts" / "schemas"

Shape = dict[str, dict[str, Any]]

COLUMNS = text("""
    SELECT relname AS "table", attname AS "column", format_type(atttypid, atttypmod) AS type,
        NOT attnotnull AS "null", atthasdef OR attidentity <> '' AS "default"
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
        AND attnum > 0 AND NOT attisdropped AND relname <> 'alembic_version'
    ORDER BY relname, attnum
""")
# Foreign keys, conditions and what is unique; triggers that are not PostgreSQL's own.
RULES = text("""
    SELECT relname AS "table", conname AS name FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
    WHERE contype IN ('c', 'u', 'f', 'p') AND connamespace = 'public'::regnamespace AND NOT relispartition
    UNION
    SELECT pg_class.relname, named.relname FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
    JOIN pg_class AS named ON named.oid = indexrelid
    WHERE indisunique AND NOT indisprimary AND pg_class.relnamespace = 'public'::regnamespace
        AND NOT pg_class.relispartition
    UNION
    SELECT relname, tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE NOT tgisinternal AND NOT relispartition
    ORDER BY 1, 2
""")


def of(connection: Connection) -> Shape:
    """The shape of this database, by table."""
    found: Shape = {}
    for row in connection.execute(COLUMNS).mappings():
        table = found.setdefault(row["table"], {"columns": {}, "rules": []})
        table["columns"][row["column"]] = {name: row[name] for name in ("type", "null", "default")}
    for row in connection.execute(RULES).mappings():
        if row["table"] in found:
            found[row["table"]]["rules"].append(row["name"])
    return found


def record(version: str, environ: Mapping[str, str] = os.environ) -> None:
    """Write down what every database is like now, for a release."""
    folder = RECORDS / version
    folder.mkdir(parents=True, exist_ok=True)
    for service in SERVICES:
        with create_engine(load(Database, environ, service).url).connect() as connection:
            shape = of(connection)
        (folder / f"{service}.json").write_text(json.dumps(shape, indent=1) + "\n")


if __name__ == "__main__":
    record(sys.argv[1])
