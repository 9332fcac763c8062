"""What callers and businesses hear, in Italian and English."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """The sentences of one language; `from_source` and `from_campaign` take the names."""

    missed: str
    leave_message: str
    recording_notice: str
    unknown_number: str
    from_somewhere: str
    from_source: str
    from_campaign: str
    website: str
    search: str


ITALIAN = Words(
    missed="Al momento non possiamo rispondere. La preghiamo di richiamare più tardi. Grazie.",
    leave_message="Al momento non possiamo rispondere. Lasci un messaggio dopo il segnale acustico.",
    recording_notice="La informiamo che la chiamata può essere registrata.",
    unknown_number="Il numero chiamato non è attivo. La preghiamo di verificare il numero. Grazie.",
    from_somewhere="Chiamata dal sito.",
    from_source="Chiamata da {source}.",
    from_campaign="Chiamata da {source}, campagna {campaign}.",
    website="sito web",
    search="ricerca {engine}",
)
ENGLISH = Words(
    missed="We cannot take your call at the moment. Please call again later. Thank you.",
    leave_message="We cannot take your call at the moment. Please leave a message after the tone.",
    recording_notice="Please note that this call may be recorded.",
    unknown_number="The number you have called is not in service. Please check the number. Thank you.",
    from_somewhere="Call from your website.",
    from_source="Call from {source}.",
    from_campaign="Call from {source}, campaign {campaign}.",
    website="your website",
    search="{engine} search",
)
PAID_NAMES = {"google": "Google Ads", "bing": "Microsoft Ads", "microsoft": "Microsoft Ads"}
NAMES = {"google": "Google", "bing": "Bing", "facebook": "Facebook", "instagram": "Instagram"}
PAID_MEDIA = frozenset(("cpc", "ppc", "paid", "paid_search", "paidsearch"))
LONGEST_NAME = 60


def words_for(language: str) -> Words:
    """Return the sentences for a language tag such as it-IT; English where there are no others."""
    return ITALIAN if language.lower().startswith("it") else ENGLISH


def whisper_text(language: str, origin: tuple[str, str, str] | None) -> str:
    """Tell the business where a call comes from; `origin` is source, medium, campaign of the visit."""
    words = words_for(language)
    if origin is None or not origin[0]:
        return words.from_somewhere
    source, medium, campaign = (_speakable(word) for word in origin)
    name = _name(words, source, medium)
    if not campaign:
        return words.from_source.format(source=name)
    return words.from_campaign.format(source=name, campaign=campaign)


def _name(words: Words, source: str, medium: str) -> str:
    key, kind = source.lower(), medium.lower()
    if key == "direct":
        return words.website
    if kind in PAID_MEDIA and key in PAID_NAMES:
        return PAID_NAMES[key]
    name = NAMES.get(key, source)
    return words.search.format(engine=name) if kind == "organic" else name


def _speakable(word: str) -> str:
    """Make a campaign word pronounceable: no underscores, bounded, and nothing that cannot be said."""
    plain = "".join(mark if mark.isprintable() else " " for mark in word)
    return " ".join(plain.replace("_", " ").replace("-", " ").split())[:LONGEST_NAME].strip()
