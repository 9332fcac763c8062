"""One file per ad platform; the ledger in `delivery/` sees only this registry and `base`.

A new platform is one file, one line here, one twin in `sandbox/platforms/`, one page in `docs/destinations/`.
"""

from typing import Any

from calltrack.destinations.base import Destination
from calltrack.destinations.ga4 import Ga4
from calltrack.destinations.google_ads import GoogleAds
from calltrack.destinations.google_data_manager import GoogleDataManager
from calltrack.destinations.linkedin import LinkedIn
from calltrack.destinations.meta import Meta
from calltrack.destinations.microsoft import Microsoft
from calltrack.destinations.tiktok import TikTok
from calltrack.destinations.webhook import WebhookOut

DESTINATIONS: dict[str, Destination[Any]] = {
    "google_data_manager": GoogleDataManager(),
    "google_ads": GoogleAds(),
    "ga4": Ga4(),
    "linkedin": LinkedIn(),
    "tiktok": TikTok(),
    "meta": Meta(),
    "microsoft": Microsoft(),
    "webhook": WebhookOut(),
}
