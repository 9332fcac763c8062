"""The session of Google Analytics travels from the page view to the event, for the stream it belongs to."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from calltrack.kernel.touch import read_touch
from calltrack.sandbox.platforms.accounts import ga4_settings
from tests.delivery.world import World

GS1 = "GS1.1.1747323152.28.1.1747323200.60.0.0"
GS2 = "GS2.1.s1747323152$o28$g1$t1747323200$j60$l0$h0"


@pytest.mark.parametrize(
    ("stream", "cookie", "expected"),
    [
        ("SANDBOX001", GS1, "1747323152"),
        ("SANDBOX001", GS2, "1747323152"),
        ("ANOTHER001", GS2, None),
        ("SANDBOX001", "GS9.1.s1", None),
    ],
)
def test_a_page_s_session_reaches_the_event(
    world: World, stream: str, cookie: str, expected: str | None
) -> None:
    ga4 = world.connect("ga4", ga4_settings(world.origin))

    def carrying(click: str, visit_id: UUID, started_at: datetime) -> dict[str, Any]:
        told = {"_ga": "GA1.1.123.456", f"_ga_{stream}": cookie}
        return {"ad_cookies": read_touch("https://www.prova.test/", "", told, {}).ad_cookies}

    world.conversions(carrying=carrying)
    world.deliver(ga4)
    (row,) = world.rows(ga4)
    assert row.state == "confirmed"
    body = msgspec.json.decode(row.payload)
    assert body["client_id"] == "123.456"
    assert body["events"][0]["params"].get("session_id") == expected
