"""Searching what is sealed: words become keyed hashes, and those are what PostgreSQL indexes.

A tsvector holds, at each place, the hash of the word and the hash of its beginning (five letters: singular
and plural, most cases). The hashes are the company's own: nobody reads a word from them without its key, and
equal words of two companies differ. See docs/decisions/0013-searching-sealed-transcripts.md.
"""

import re
import unicodedata
from collections import defaultdict
from typing import Final
from uuid import UUID

from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import BadInput

WORD: Final = re.compile(r"\w+")
PHRASE: Final = re.compile(r'"([^"]*)"')
STEM_LETTERS: Final = 5
# PostgreSQL counts places up to this; what is said later in a call is found, but not as a phrase.
LAST_PLACE: Final = 16_383
MOST_PLACES: Final = 200
MOST_WORDS: Final = 20_000
MOST_ASKED: Final = 16


def words_in(text: str) -> list[str]:
    """Return the words of a text as they are compared: without case and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return WORD.findall("".join(mark for mark in plain if not unicodedata.combining(mark)))


def stem(word: str) -> str:
    """Return the beginning that forms of a word share."""
    return word[:STEM_LETTERS]


def search_vector(vault: Vault, company_id: UUID, text: str) -> str:
    """Return the text as a tsvector literal of hashes."""
    places: dict[str, list[int]] = defaultdict(list)
    hashes: dict[str, tuple[str, str]] = {}
    for place, word in enumerate(words_in(text)[:MOST_WORDS], 1):
        if word not in hashes:
            hashes[word] = (_whole(vault, company_id, word), _stem(vault, company_id, word))
        for name in hashes[word]:
            if len(places[name]) < MOST_PLACES:
                places[name].append(min(place, LAST_PLACE))
    return " ".join(f"{name}:{','.join(map(str, where))}" for name, where in places.items())


def search_query(vault: Vault, company_id: UUID, typed: str) -> str:
    """Return what was typed as a tsquery literal: all words, and each "phrase" word for word.

    Raises:
        BadInput: there is no word in it, or there are too many.
    """
    phrases = [words_in(phrase) for phrase in PHRASE.findall(typed)]
    loose = words_in(PHRASE.sub(" ", typed))
    parts = [
        "(" + " <-> ".join(_whole(vault, company_id, word) for word in phrase) + ")"
        for phrase in phrases
        if phrase
    ] + [_stem(vault, company_id, word) for word in loose]
    if not parts:
        raise BadInput("Type the words to look for, such as: price piano. In quotes they stand together.")
    if len(loose) + sum(map(len, phrases)) > MOST_ASKED:
        raise BadInput(f"Look for at most {MOST_ASKED} words at once.")
    return " & ".join(parts)


def asked_stems(typed: str) -> set[str]:
    """Return the beginnings of all words that were typed: to mark the place in the text."""
    return {stem(word) for word in words_in(typed)}


def _whole(vault: Vault, company_id: UUID, word: str) -> str:
    return "w" + vault.look_up(company_id, f"word {word}").hex()[:20]


def _stem(vault: Vault, company_id: UUID, word: str) -> str:
    return "s" + vault.look_up(company_id, f"stem {stem(word)}").hex()[:20]
