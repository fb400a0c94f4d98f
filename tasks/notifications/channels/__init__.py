"""The kinds of channels, one module each: what a target of the kind is, and how a message is sent there."""
