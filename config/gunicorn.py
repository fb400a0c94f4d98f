"""How gunicorn runs the front API: `gunicorn -c config/gunicorn.py web.wsgi:app` from the repository's root.

gunicorn reads the lower-case names of this module as its settings.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]  # gunicorn publishes no types

from config import logging
from config.settings import Logging, Web, load

# A client that stops sending in the middle of its body holds a thread for this long at most.
SILENCE_S = 30.0
METRICS_DIR = "PROMETHEUS_MULTIPROC_DIR"

_settings = load(Web, os.environ)
# Where the processes' counters meet. prometheus_client looks for it when it is first imported, in a worker.
_own_metrics_dir = tempfile.mkdtemp(prefix="pranala-metrics-") if METRICS_DIR not in os.environ else ""
if _own_metrics_dir:
    os.environ[METRICS_DIR] = _own_metrics_dir


class JsonLogger(Logger):
    """gunicorn's own words in the one format of all processes. Requests are logged by the app, which knows more."""

    def setup(self, cfg: Any) -> None:
        """Instead of gunicorn's handlers."""
        logging.configure(load(Logging, os.environ))
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.setLevel("INFO")


bind = f"[{_settings.bind}]:{_settings.port}" if ":" in _settings.bind else f"{_settings.bind}:{_settings.port}"
workers = _settings.web_workers
worker_class = "gthread"
threads = 8
timeout = 60
graceful_timeout = 8
keepalive = 5
logger_class = JsonLogger
# Forwarded headers are judged in the app, by PRANALA_TRUSTED_PROXIES, and by nobody before it.
forwarded_allow_ips = ""
# It would lie in the home directory and let its owner steer the server.
control_socket_disable = True


def pre_request(_worker: Any, request: Any) -> None:
    """Before each request."""
    request.unreader.sock.settimeout(SILENCE_S)


def post_worker_init(worker: Any) -> None:
    """When a worker has loaded the app: it tells whoever waits for it."""
    if sign := _sign_of(worker):
        sign.touch()


def child_exit(_server: Any, worker: Any) -> None:
    """After a worker: what it counted stays, what it was like does not."""
    if sign := _sign_of(worker):
        sign.unlink(missing_ok=True)
    # Imported after the directory is known, see above.
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped


def on_exit(_server: Any) -> None:
    """After the last worker."""
    if _own_metrics_dir:
        shutil.rmtree(_own_metrics_dir, ignore_errors=True)


def _sign_of(worker: Any) -> Path | None:
    folder = os.environ.get("PRANALA_HEARTBEAT_DIR", "")
    return Path(folder, f"web-{worker.pid}.ready") if folder else None
