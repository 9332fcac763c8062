"""The platforms that keep customer lists, by the name of the destination whose connection they use."""

from typing import Final

from calltrack.destinations.audience_base import AudiencePlatform
from calltrack.destinations.audience_google import GoogleAudience

PLATFORMS: Final[dict[str, AudiencePlatform]] = {one.destination: one for one in (GoogleAudience(),)}
