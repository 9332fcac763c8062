"""The failures every room speaks of; routes turn them into status codes, pages into sentences."""


class CalltrackError(Exception):
    """Something a person or program outside can understand; the text names the next step."""


class BadInput(CalltrackError):
    """What was sent cannot be read or breaks a stated limit (HTTP 400)."""


class BadFields(BadInput):
    """Some fields of a form are missing or wrong: the text names them all, `fields` each by its name."""

    def __init__(self, text: str, fields: dict[str, str]) -> None:
        super().__init__(text)
        self.fields = fields


class NotAllowed(CalltrackError):
    """Who asks may not do this (HTTP 403)."""


class NotFound(CalltrackError):
    """It does not exist, or not for this company (HTTP 404; the two look the same)."""


class Conflict(CalltrackError):
    """It contradicts what is already stored, such as a reused idempotency key (HTTP 409)."""
