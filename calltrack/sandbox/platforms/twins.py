"""The twins of the sandbox: a new one is one file and one line here."""

from calltrack.sandbox.platforms.audience_twins import AUDIENCES
from calltrack.sandbox.platforms.ga4_twin import GA4
from calltrack.sandbox.platforms.google_ads_twin import GOOGLE_ADS
from calltrack.sandbox.platforms.google_twin import GOOGLE_DATA_MANAGER
from calltrack.sandbox.platforms.linkedin_twin import LINKEDIN
from calltrack.sandbox.platforms.meta import META
from calltrack.sandbox.platforms.microsoft import MICROSOFT
from calltrack.sandbox.platforms.tiktok_twin import TIKTOK
from calltrack.sandbox.platforms.twin import Twin
from calltrack.sandbox.platforms.webhook_receiver import WEBHOOK

TWINS: tuple[Twin, ...] = (
    GOOGLE_DATA_MANAGER,
    GOOGLE_ADS,
    GA4,
    LINKEDIN,
    TIKTOK,
    META,
    MICROSOFT,
    WEBHOOK,
    AUDIENCES,
)
