"""The reliability diagram is drawn where its numbers say."""

import re
from xml.etree import ElementTree

from calltrack.attribution.calibration import Outcome, calibrate
from calltrack.dashboard.reliability import diagram


def test_a_dot_stands_where_its_bin_is_and_its_bounds_around_it() -> None:
    outcomes = [Outcome(0.85, place < 15) for place in range(20)] + [Outcome(0.25, False)] * 5
    drawn = ElementTree.fromstring(str(diagram(calibrate(outcomes), "campaign <&> all")))
    low, high = drawn.findall("g")
    dot, bounds, title = high.find("circle"), high.find("line"), high.find("title")
    assert dot is not None
    assert bounds is not None
    assert title is not None
    assert title.text == "20 calls: said 85%, right 75%"
    # Left 44, top 10, 240 wide and high.
    assert float(dot.attrib["cx"]) == 44 + 0.85 * 240
    assert float(dot.attrib["cy"]) == 10 + 0.25 * 240
    assert float(bounds.attrib["y2"]) < float(dot.attrib["cy"]) < float(bounds.attrib["y1"])
    small = low.find("circle")
    assert small is not None
    assert float(small.attrib["r"]) < float(dot.attrib["r"])
    assert (
        drawn.attrib["aria-label"]
        == "Reliability diagram of the campaign <&> all; its numbers stand in the table."
    )


def test_without_calls_only_the_frame_is_drawn() -> None:
    assert not re.search("circle", str(diagram(calibrate([]), "source")))
