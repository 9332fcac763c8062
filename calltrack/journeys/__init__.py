"""Persons: callers and visitors known to be one, and their line of time."""
