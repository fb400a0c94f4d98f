"""The `pranala` command: one group, each command in a module of its own, loaded when it is called."""

import importlib

import click

COMMANDS = {
    "up": "cli.local.commands:up",
    "restart": "cli.local.commands:restart",
    "check": "cli.check:check",
    "batch": "cli.batch:batch",
    "links": "cli.links:links",
    "incidents": "cli.incidents:incidents",
    "hosts": "cli.hosts:hosts",
    "export": "cli.export:export",
    "ops": "cli.ops:ops",
    "db": "cli.db:db",
    "doctor": "cli.local.commands:doctor",
}


class Commands(click.Group):
    """Imports a command's module only for that command, so that each starts as fast as it can."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name].split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pranala", prog_name="pranala")
def main() -> None:
    """Pranala keeps the links of an organisation alive."""


if __name__ == "__main__":
    main()
