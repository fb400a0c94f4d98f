"""The pranala command: a client of the API, and the operator's commands."""
