"""`pranala ops`: what an operator does."""

import click

from cli.dead import dead


@click.group()
def ops() -> None:
    """What an operator looks at and mends."""


ops.add_command(dead)
