"""The platforms that keep customer lists, by the name of the destination whose connection they use."""

from typing import Final

from calltrack.destinations.audience_base import AudiencePlatform
from calltrack.destinations.audience_google import GoogleAudience
from calltrack.destinations.audience_meta import MetaAudience
from calltrack.destinations.audience_microsoft import MicrosoftAudience

_ALL: Final = (GoogleAudience(), MetaAudience(), MicrosoftAudience())
PLATFORMS: Final[dict[str, AudiencePlatform]] = {one.destination: one for one in _ALL}
