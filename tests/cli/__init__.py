"""The pranala command."""
