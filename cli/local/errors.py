"""What can go wrong while running on this machine, in words for the person at the keyboard."""


class LocalError(Exception):
    """The machine cannot run the product as asked; the message says what to do."""


class NotReady(LocalError):
    """A server does not answer yet, or not as it should; asking again later may help."""


class Missing(LocalError):
    """No binary of a server can be had here; the message names what was tried."""
