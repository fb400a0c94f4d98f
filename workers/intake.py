"""The intake workers: `celery -A workers.intake worker`."""

from tasks.intake.service import build
from workers.app import make_worker

app = make_worker(build)
