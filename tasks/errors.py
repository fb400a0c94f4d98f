"""What can go wrong in a handler, told apart by whether trying again can help.

Failure
├── Transient     try again: the work is sound, something it needs is away
└── Permanent     trying again changes nothing: the message goes to the dead letters with this reason
"""


class Failure(Exception):
    """A handler could not do its work."""


class Transient(Failure):
    """Something the work needs is away. The work is tried again until it is back."""


class Permanent(Failure):
    """The work cannot be done as asked. Mend the cause, then replay the dead letter."""


class ShuttingDown(Transient):
    """This process is ending before the work did. The broker gives the work to another."""
