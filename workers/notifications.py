"""The notifications workers: `celery -A workers.notifications worker`."""

from tasks.notifications.service import build
from workers.app import make_worker

app = make_worker(build)
