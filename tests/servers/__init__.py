"""Servers that behave and misbehave on purpose, for tests and demonstrations."""
