"""Mirrors the tree; plus the whole's own tests, journeys on real servers, and the servers that tests need."""
