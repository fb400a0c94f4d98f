"""How long a backup and a restore take, from nothing to a product that is ready: `python -m benchmarks.backup`."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from benchmarks.report import Benchmark, progress, table
from cli.backups import manifest, places
from cli.local.processes import ROOT, database_setting
from cli.local.readiness import libpq

CHECKS_A_LINK = 10
MADE = """
    INSERT INTO links (id, workspace_id, url, host, created_at, interval_s, tags, traceparent, state, failures,
        hard_failures, ok_streak, inconclusive_streak, since, recent, next_check_at, confirming)
    SELECT gen_random_uuid(), 'c0ffee00-0000-4000-8000-000000000000',
        'https://host-' || n %% 1000 || '.example/page/' || n, 'host-' || n %% 1000 || '.example',
        now(), 86400, '{}', '', 'up', 0, 0, 1, 0, now(), 'o', now(), false
    FROM generate_series(1, %s) AS n
"""
CHECKED = """
    INSERT INTO checks (id, workspace_id, link_id, verdict, reason, status_code, ip, dns_ms, connect_ms, ttfb_ms,
        total_ms, attempts, bytes_read, worker, scheduled_at, started_at, checked_at)
    SELECT gen_random_uuid(), workspace_id, id, 'ok', 'http_200', 200, '192.0.2.1', random(), random(), random(),
        random(), 1, 512, 'links@bench', now(), now(), now()
    FROM links, generate_series(1, %s)
"""


def options(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument("--links", type=int, default=100_000, help="links, with ten checks each")


def measure(asked: argparse.Namespace) -> str:
    """A row of seconds and bytes."""
    root = Path(tempfile.mkdtemp(prefix="pranala-bench-"))
    data, backups = root / "data", root / "backups"
    try:
        _fill(data, asked.links)
        backup_s = _db(data, "backup", str(backups), "--with-secrets")
        size = sum(dump.bytes for dump in manifest.read(backups).dumps)
        spread = manifest.read(backups).spread.total_seconds() * 1000
        shutil.rmtree(data)
        restore_s = _db(data, "restore", str(backups), "--yes")
    finally:
        shutil.rmtree(root)
    heads = ("links", "checks", "backup s", "backup MB", "between the snapshots ms", "restore s")
    row = (f"{asked.links:,}", f"{asked.links * CHECKS_A_LINK:,}", f"{backup_s:.1f}", f"{size / 1e6:.0f}",
           f"{spread:.0f}", f"{restore_s:.1f}")  # fmt: skip
    return table(heads, [row])


def _fill(data: Path, links: int) -> None:
    env = {"PRANALA_DATA_DIR": str(data)}
    with places.standing_still(env) as place:
        urls = {database_setting(service): url for service, url in place.urls.items()}
        subprocess.run([sys.executable, "-m", "workers.migrate"], cwd=ROOT, env=os.environ | urls, check=True)
        with psycopg.connect(libpq(place.urls["links"])) as connection:
            connection.execute(MADE, (links,))
            connection.execute(CHECKED, (CHECKS_A_LINK,))
    progress(f"{links:,} links are there")


def _db(data: Path, *words: str) -> float:
    """Seconds that `pranala db` took, with the start of PostgreSQL and, where it is gone, its making."""
    began = time.monotonic()
    env = {**os.environ, "PRANALA_DATA_DIR": str(data)}
    subprocess.run([sys.executable, "-m", "cli.main", "db", *words], cwd=ROOT, env=env, check=True)
    return time.monotonic() - began


BENCHMARK = Benchmark("backup", "Backup and restore", options, measure)

if __name__ == "__main__":
    BENCHMARK.main()
