"""The functions behind the snippet's requests as migration 0024 makes them: whole definitions, frozen."""
