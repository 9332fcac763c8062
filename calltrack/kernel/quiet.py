"""Quiet hours: when nobody is to be written to, and when that is over."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

MOST_STEPS = 20


@dataclass(frozen=True)
class Quiet:
    """Daily quiet hours by the wall clock of a zone (begin included; equal times: none), and Sundays."""

    begins: time
    ends: time
    sundays: bool
    zone: str

    def covers(self, moment: datetime) -> bool:
        """Tell whether a moment is quiet."""
        local = moment.astimezone(ZoneInfo(self.zone))
        if self.sundays and local.isoweekday() == 7:
            return True
        clock = local.time()
        if self.begins <= self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends

    def over(self, moment: datetime) -> datetime:
        """Return the first moment from this one on that is not quiet; clocks may change meanwhile.

        Raises:
            ValueError: it is always quiet.
        """
        zone = ZoneInfo(self.zone)
        for _ in range(MOST_STEPS):
            if not self.covers(moment):
                return moment
            local = moment.astimezone(zone)
            moment = min(
                end for end in self._ends_after(local, zone) if end > moment
            )  # Each end may lie in other quiet hours: look again.
        raise ValueError("These hours never end.")

    def _ends_after(self, local: datetime, zone: ZoneInfo) -> list[datetime]:
        """Return the ends of the next quiet times: of the hours, and midnight after a Sunday."""
        found = []
        for days in (0, 1, 2):
            day = (local + timedelta(days=days)).date()
            for clock in (self.ends, time(0)):
                found.append(datetime.combine(day, clock, zone).astimezone(local.tzinfo))
        return [datetime.fromtimestamp(one.timestamp(), zone) for one in found]


def clock(text: str) -> time:
    """Read a time of day like 22:00."""
    return time.fromisoformat(text)
