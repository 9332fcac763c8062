"""What a business hears about where a call comes from; what callers hear is in `callflows.words`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Origins:
    """The sentences of one language about where a call comes from; they take the names."""

    from_somewhere: str
    from_source: str
    from_campaign: str
    website: str
    search: str


ITALIAN = Origins(
    from_somewhere="Chiamata dal sito.",
    from_source="Chiamata da {source}.",
    from_campaign="Chiamata da {source}, campagna {campaign}.",
    website="sito web",
    search="ricerca {engine}",
)
ENGLISH = Origins(
    from_somewhere="Call from your website.",
    from_source="Call from {source}.",
    from_campaign="Call from {source}, campaign {campaign}.",
    website="your website",
    search="{engine} search",
)
GERMAN = Origins(
    from_somewhere="Anruf von der Website.",
    from_source="Anruf über {source}.",
    from_campaign="Anruf über {source}, Kampagne {campaign}.",
    website="die Website",
    search="{engine}-Suche",
)
FRENCH = Origins(
    from_somewhere="Appel depuis votre site.",
    from_source="Appel depuis {source}.",
    from_campaign="Appel depuis {source}, campagne {campaign}.",
    website="votre site",
    search="la recherche {engine}",
)
SPANISH = Origins(
    from_somewhere="Llamada desde su sitio web.",
    from_source="Llamada desde {source}.",
    from_campaign="Llamada desde {source}, campaña {campaign}.",
    website="su sitio web",
    search="la búsqueda de {engine}",
)
LANGUAGES = {"it": ITALIAN, "en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH}
PAID_NAMES = {"google": "Google Ads", "bing": "Microsoft Ads", "microsoft": "Microsoft Ads"}
NAMES = {"google": "Google", "bing": "Bing", "facebook": "Facebook", "instagram": "Instagram"}
PAID_MEDIA = frozenset(("cpc", "ppc", "paid", "paid_search", "paidsearch"))
LONGEST_NAME = 60


def whisper_text(language: str, origin: tuple[str, str, str] | None) -> str:
    """Tell the business where a call comes from; `origin` is source, medium, campaign of the visit."""
    words = LANGUAGES.get(language.partition("-")[0].lower(), ENGLISH)
    if origin is None or not origin[0]:
        return words.from_somewhere
    source, medium, campaign = (_speakable(word) for word in origin)
    name = _name(words, source, medium)
    if not campaign:
        return words.from_source.format(source=name)
    return words.from_campaign.format(source=name, campaign=campaign)


def _name(words: Origins, source: str, medium: str) -> str:
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
