from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.attribution.nights import next_night, next_week, night_of, week_before

FIRST = UUID(int=0)


@pytest.mark.parametrize(
    ("zone", "now", "due"),
    [
        ("Europe/Rome", datetime(2026, 11, 20, 0, 0, tzinfo=UTC), datetime(2026, 11, 20, 1, 30, tzinfo=UTC)),
        ("Europe/Rome", datetime(2026, 11, 20, 1, 30, tzinfo=UTC), datetime(2026, 11, 21, 1, 30, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 20, 7, 30, tzinfo=UTC)),
        # 2:30 does not exist in this night: it is 3:30 by the clock on the wall.
        ("Europe/Rome", datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
    ],
)
def test_a_lesson_is_due_in_the_companys_own_night(zone: str, now: datetime, due: datetime) -> None:
    assert next_night(now, zone, FIRST) == due


moments = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))
zones = st.sampled_from(["Europe/Rome", "UTC", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Auckland"])


@given(moments, zones, st.uuids())
def test_work_is_due_after_now_and_never_far_away(now: datetime, zone: str, company_id: UUID) -> None:
    night, week = next_night(now, zone, company_id), next_week(now, zone, company_id)
    assert now < night <= now + timedelta(days=1, hours=2)
    assert now < week <= now + timedelta(days=7, hours=2)
    assert 2 <= night.astimezone(ZoneInfo(zone)).hour <= 5
    assert week.astimezone(ZoneInfo(zone)).weekday() == 0
    # When it is due, the week before is over.
    monday, began, ended = week_before(week, zone)
    assert (ended - began) / timedelta(days=7) == pytest.approx(1, abs=0.01)
    assert ended <= week < ended + timedelta(hours=6)
    assert monday.weekday() == 0
    assert night_of(week, zone) == monday + timedelta(days=7)


def test_the_last_whole_week() -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert week_before(now, "UTC")[0] == date(2026, 11, 9)
