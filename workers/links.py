"""The links workers: `celery -A workers.links worker`."""

from tasks.links.service import build
from workers.app import make_worker

app = make_worker(build)
