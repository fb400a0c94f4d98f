"""How long a single submission takes to its stored verdict while an import runs: `python -m benchmarks.interactive`."""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import requests

from benchmarks import site
from cli.local.backing import start_backing
from cli.local.product import Product, read_or_make_key


def main(arguments: list[str] | None = None) -> None:
    """Start an import, then submit links one by one until `--tries` are done, and print the percentiles."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.interactive", description=__doc__)
    parser.add_argument("--links", type=int, default=100_000)
    parser.add_argument("--tries", type=int, default=200)
    options = parser.parse_args(arguments)
    with site.serve() as port, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        settings = {
            "PATH": os.environ["PATH"],
            "PRANALA_PORT": str(site.free_port()),
            "PRANALA_ALLOW_NETWORKS": "127.0.0.0/8",
            "PRANALA_HOST_CONCURRENCY": "0",
            "PRANALA_HOST_INTERVAL_MS": "0",
        }
        with start_backing(Path(folder, "pranala"), durable=True) as backing:
            product = Product(backing, settings)
            product.migrate()
            key, _ = read_or_make_key(product)
            product.launch()
            product.wait_ready()
            print(_measure(product.url, key, port, options.links, options.tries))
            product.stop()


def _measure(url: str, key: str, port: int, links: int, tries: int) -> str:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {key}"
    body = "\n".join(site.urls(port, links, 200)).encode()
    began = time.monotonic()
    answer = session.post(f"{url}/api/v1/batches", data=body, headers={"Content-Type": "text/plain"}, timeout=120)
    answer.raise_for_status()
    accepted_s = time.monotonic() - began
    job = f"{url}/api/v1/jobs/{answer.json()['job_id']}"
    waits, during = [], 0
    for number in range(tries):
        waits.append(_once(session, url, f"http://127.9.9.9:{port}/one/{number}"))
        during += session.get(job, timeout=30).json()["state"] != "finished"
    while session.get(job, timeout=30).json()["state"] != "finished":
        time.sleep(0.2)
    took = time.monotonic() - began
    cuts = statistics.quantiles(waits, n=20)
    return (
        f"{links:,} links accepted in {accepted_s:.2f} s, done in {took:.1f} s ({links / took:,.0f}/s); "
        f"{tries} single links, {during} of them during the import: median {statistics.median(waits):.3f} s, "
        f"95th percentile {cuts[-1]:.3f} s"
    )


def _once(session: requests.Session, url: str, link: str) -> float:
    began = time.monotonic()
    made = session.post(f"{url}/api/v1/links", json={"url": link}, timeout=30)
    made.raise_for_status()
    while session.get(f"{url}/api/v1/links/{made.json()['id']}", timeout=30).json()["verdict"] is None:
        time.sleep(0.01)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
