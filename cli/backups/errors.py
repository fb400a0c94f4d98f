"""What can go wrong with a backup, in words for the operator."""

from cli.local.errors import LocalError


class BackupError(LocalError):
    """A backup cannot be taken, read or restored; the message says why and what to do."""
