"""Where a visit came from, as one word per level: what a campaign is, and what a source is.

Sums, models and posteriors are kept per level under these words; the database builds the same ones
(`source || E'\\x1f' || medium || E'\\x1f' || campaign`).
"""

# Can stand in no utm word: control characters are removed from touches.
BETWEEN = "\x1f"
# How filters ask for what has no word: no credited source, an empty word, no credited visit.
UNKNOWN = "unknown"
NONE = "(none)"
NOT_KNOWN = "(not known)"


def source_key(source: str, medium: str) -> str:
    """Return the word for a source: `google` by `cpc` is another one than `google` by `organic`."""
    return f"{source}{BETWEEN}{medium}"


def campaign_key(source: str, medium: str, campaign: str) -> str:
    """Return the word for a campaign; two sources that use one name are two campaigns."""
    return f"{source}{BETWEEN}{medium}{BETWEEN}{campaign}"


def words_of(key: str) -> tuple[str, str, str]:
    """Return source, medium and campaign of either word; a source's campaign is empty."""
    source, medium, campaign = (*key.split(BETWEEN), "", "")[:3]
    return source, medium, campaign
