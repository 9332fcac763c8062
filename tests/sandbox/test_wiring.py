"""The sandbox's parts together."""

from sqlalchemy.exc import OperationalError

from calltrack.sandbox.carrier import SimulatedNumber
from calltrack.sandbox.wiring import _remembered
from tests.sandbox.carrier.hooks import ACCOUNT, TRACKING

NUMBER = SimulatedNumber(
    e164=TRACKING,
    voice_url="http://calls.test/voice",
    voice_fallback_url="",
    status_callback="",
    account_sid=ACCOUNT,
)


def test_the_phone_dials_while_the_database_is_away() -> None:
    answers: list[list[SimulatedNumber]] = [[NUMBER]]

    def read() -> list[SimulatedNumber]:
        if not answers:
            raise OperationalError("SELECT", {}, Exception("gone"))
        return answers.pop()

    directory = _remembered(read)
    assert directory() == [NUMBER]
    assert directory() == [NUMBER]
