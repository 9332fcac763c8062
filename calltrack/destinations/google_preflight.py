"""What both ways to Google ask before anything is sent: identifiers, consent, times and windows."""

from datetime import datetime, timedelta
from typing import Final

from calltrack.destinations import hashing
from calltrack.destinations.base import Upload
from calltrack.destinations.consent import withheld_for_consent
from calltrack.destinations.google_settings import GoogleAccountSettings
from calltrack.destinations.outcomes import Verdict

LOOKBACK: Final = timedelta(days=90)
ACTION_REST: Final = timedelta(hours=6)
"""How long Google needs before a new conversion action takes conversions."""
CLICK_NAMES: Final = ("gclid", "wbraid", "gbraid")


def click_id(upload: Upload) -> dict[str, str]:
    """Return the one click id Google is to match by; several at once contradict each other."""
    for name in CLICK_NAMES:
        value = upload.click_ids.get(name)
        if isinstance(value, str) and value.strip():
            return {name: value.strip()}
    return {}


def through_google(upload: Upload, settings: GoogleAccountSettings) -> bool:
    """Say whether Google itself connected this call: a number behind a call asset, and no visit's click."""
    return (
        settings.call_action_id is not None
        and not click_id(upload)
        and upload.source == "google"
        and upload.medium == settings.call_medium
        and upload.phone_e164 is not None
        and hashing.phone_with_plus(upload.phone_e164) is not None
        and not hashing.is_hashed(upload.phone_e164)
    )


def conversion_id(upload: Upload) -> str:
    """Return the id Google knows the conversion by; never only digits, which Google refuses."""
    return f"conv-{upload.id}" if upload.id.isdigit() else upload.id


def never(
    upload: Upload, settings: GoogleAccountSettings, now: datetime, *, has_contacts: bool
) -> Verdict | None:
    """Return why Google would never take this conversion; None: it would, as far as can be known here."""
    is_call = through_google(upload, settings)
    if settings.name_for(upload.kind) is None and not is_call:
        return Verdict("never", "NO_ACTION", f"The settings name no conversion action for a {upload.kind}.")
    if not is_call and not click_id(upload) and not has_contacts:
        return Verdict(
            "never",
            "NO_IDENTIFIERS",
            "No Google click id was seen for this call, and no phone number or e-mail can be used instead.",
        )
    if is_call and upload.action != "create":
        return Verdict(
            "never",
            "CALLS_DO_NOT_CHANGE",
            "Google matched this call itself, and has no word for a later change to such a conversion.",
        )
    return withheld_for_consent(upload, settings.when_consent_unknown) or impossible(upload, settings, now)


def impossible(upload: Upload, settings: GoogleAccountSettings, now: datetime) -> Verdict | None:
    """Return what is wrong with the times of a conversion, if anything is."""
    clicked_at = upload.clicked_at if click_id(upload) else None
    if clicked_at is not None and upload.occurred_at < clicked_at:
        return Verdict("never", "BEFORE_CLICK", "The call happened before the click.")
    if upload.occurred_at > now + timedelta(minutes=5):
        return Verdict("never", "IN_FUTURE", "The time of the call lies in the future.")
    window = timedelta(days=settings.lookback_days)
    if now - upload.occurred_at > LOOKBACK:
        return Verdict("never", "TOO_OLD", "The call is more than 90 days old; Google takes it no more.")
    if clicked_at is not None and upload.occurred_at - clicked_at > window:
        return Verdict(
            "never",
            "OUTSIDE_WINDOW",
            f"The call came more than {settings.lookback_days} days after the click.",
        )
    return None


def held(upload: Upload, settings: GoogleAccountSettings, now: datetime) -> Verdict | None:
    """Return until when a conversion has to wait here; None: it may go at once."""
    waits: list[Verdict] = []
    if settings.actions_made_at is not None:
        until = settings.actions_made_at + ACTION_REST
        reason = "Held until six hours after the conversion action was made; Google takes nothing before."
        waits.append(Verdict("wait", "ACTION_TOO_NEW", reason, until))
    if upload.clicked_at is not None and click_id(upload):
        until = upload.clicked_at + timedelta(hours=settings.hold_after_click_hours)
        reason = f"Held until {settings.hold_after_click_hours} hours after the click."
        waits.append(Verdict("wait", "CLICK_TOO_RECENT", reason, until))
    open_ = [one for one in waits if one.until is not None and now < one.until]
    return max(open_, key=lambda one: one.until or now, default=None)
