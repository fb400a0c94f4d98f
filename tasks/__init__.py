"""What the services do, in plain Python; knows neither HTTP nor Celery workers."""
