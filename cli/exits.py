"""How a command ends: its status, and the words that go with it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, NoReturn

import click

from cli.client import ClientError, NotAllowedError
from cli.jobs import TooLongError

STATUSES = """\b
Exit status:
  0    every link is fine, or merely as bad as --fail-on allows
  1    an error: the server cannot be reached or failed
  2    the command was not understood
  3    a link is broken, or is none at all (see --fail-on)
  4    the key is missing or may not do this
  5    the links were not all checked within --timeout
  130  interrupted; what was submitted is cancelled
"""
ENVIRONMENT = """\b
Environment:
  PRANALA_URL       the server (default http://127.0.0.1:8080)
  PRANALA_TOKEN     the API key; PRANALA_TOKEN_FILE names a file with it
  PRANALA_DATA_DIR  where `pranala up` keeps admin.key (default .pranala)
"""


class Exit(IntEnum):
    """The exit status, as promised in the epilog."""

    FINE = 0
    ERROR = 1
    BROKEN = 3
    NOT_ALLOWED = 4
    TIMEOUT = 5
    INTERRUPTED = 130


@contextmanager
def told() -> Iterator[None]:
    """Turn what may go wrong while the server is asked into words and a status."""
    with _terminated_as_interrupted():
        try:
            yield
        except KeyboardInterrupt:
            fail("Interrupted.", Exit.INTERRUPTED)
        except TooLongError as error:
            fail(str(error), Exit.TIMEOUT)
        except NotAllowedError as error:
            fail(str(error), Exit.NOT_ALLOWED)
        except (ClientError, OSError) as error:
            fail(str(error), Exit.ERROR)


def say(text: str) -> None:
    """Words for the person, beside the data."""
    click.echo(text, err=True)


def fail(text: str, status: Exit) -> NoReturn:
    """End with words and a status."""
    say(text)
    sys.exit(status)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Runners of pipelines cancel a job by SIGTERM."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:
        # Not the main thread, so nobody's signals are ours.
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
