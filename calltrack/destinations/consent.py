"""Consent before an upload: what law and platforms ask for, by the country of the person called about.

In the EEA, the UK and Switzerland Google, Microsoft and Meta take a person's data only with consent
(facts: Google's EU user consent policy; Microsoft and Meta ask the same of advertisers). A refusal counts
everywhere.
"""

from typing import Final, Literal

from calltrack.destinations.base import Upload
from calltrack.destinations.outcomes import Verdict

WhenUnknown = Literal["by_region", "withhold", "send"]

ASKS_CONSENT: Final = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT",
    "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "IS", "LI", "NO", "GB", "CH",
    # Parts of these countries that have a code of their own.
    "AX", "GF", "GP", "MF", "MQ", "RE", "YT", "SJ",
})  # fmt: skip


def withheld_for_consent(upload: Upload, when_unknown: WhenUnknown) -> Verdict | None:
    """Return why consent keeps the conversion here; None: it may go.

    by_region: an unknown consent withholds where the law asks for one (EEA, UK, Switzerland) only.
    """
    state = upload.consent.ad_user_data
    if state == "granted":
        return None
    if state == "denied":
        return Verdict("never", "CONSENT_DENIED", "The visitor did not agree to pass data to ad platforms.")
    if when_unknown == "withhold":
        reason = "It is not known whether the visitor agreed; the settings say: withhold."
        return Verdict("never", "CONSENT_UNKNOWN", reason)
    if when_unknown == "by_region" and upload.region in ASKS_CONSENT:
        return Verdict(
            "never",
            "CONSENT_UNKNOWN",
            f"It is not known whether the visitor agreed, and in {upload.region} consent is needed."
            " Let the snippet know what your consent banner was told.",
        )
    return None
