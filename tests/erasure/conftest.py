from tests.api.conftest import client, program
from tests.calls.conftest import carrier, desk, voice

__all__ = ["carrier", "client", "desk", "program", "voice"]
