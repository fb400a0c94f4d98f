"""The audit workers: `celery -A workers.audit worker`."""

from tasks.audit.service import build
from workers.app import make_worker

app = make_worker(build)
