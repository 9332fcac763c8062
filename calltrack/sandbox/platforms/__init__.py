"""Twins of the ad platforms: real limits, error shapes and de-duplication; they can be told to fail."""

from calltrack.sandbox.platforms.routes import create_blueprint

__all__ = ["create_blueprint"]
