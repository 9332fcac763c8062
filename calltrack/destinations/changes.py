"""Later changes at platforms that only take new conversions."""

from calltrack.destinations.base import Upload
from calltrack.destinations.outcomes import Verdict


def no_word_for(upload: Upload, platform: str) -> Verdict | None:
    """Return why a change is not sent to a platform that has no word for it; None: it is no change."""
    if upload.action == "restate":
        return Verdict(
            "never",
            "NO_WORD_FOR_VALUE",
            f"{platform} cannot change a value it has; the first one stays there."
            " Use calltrack's own figures for revenue.",
        )
    if upload.action == "retract":
        return Verdict(
            "never",
            "NO_WORD_FOR_TAKING_BACK",
            f"{platform} cannot take back what it counted; it stays counted there."
            " Use calltrack's own figures when you compare campaigns.",
        )
    return None
