"""The public REST API, described by its own OpenAPI document at /api/v1/openapi.json."""

from calltrack.api.registration import register

__all__ = ["register"]
