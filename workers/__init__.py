"""How the services run: a Celery app and an RPC server per service, the relay and the beat."""
