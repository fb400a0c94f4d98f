"""Whole-system stories on real servers and real processes."""
