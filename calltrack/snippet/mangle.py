"""Shorten the names a script declares itself, and drop the signs that say nothing.

It knows the JavaScript our source is written in, not all of JavaScript: the script is one wrapped block
(`(() => { try { ... } catch {} })()`), every statement ends with a semicolon, one declaration declares one
name, and names in shorthand (`{ rest, trunk }`) keep their full length. What it cannot read it refuses.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, product
from string import ascii_letters

from calltrack.snippet.tokens import KEYWORDS, Token, UnreadableScript, tokens

WRAPPER_DEPTH = 3  # of the brackets around our statements: ( { {


@dataclass(frozen=True)
class Word:
    """A token with its place: which outermost statement it belongs to, and what it does there."""

    text: str
    role: str
    statement: int


@dataclass(frozen=True)
class Shortened:
    """A script whose own names are places to be filled: a number stands for the name of that rank."""

    pieces: tuple[str | int, ...]
    taken: frozenset[str]
    places: int

    def names(self, wished: Iterable[str] = ()) -> list[str]:
        """Return a name for each place: those wished for where they are free, then the shortest free ones."""
        free = [name for name in dict.fromkeys(wished) if name not in self.taken]
        chosen = free[: self.places]
        rest = _short_names(self.taken | set(chosen))
        return chosen + [next(rest) for _ in range(self.places - len(chosen))]

    def spare(self, count: int = 60) -> list[str]:
        """Return names that may stand in any place: the shortest free ones, and some more."""
        free = _short_names(self.taken)
        return [next(free) for _ in range(self.places + count)]

    def written(self, names: Sequence[str]) -> str:
        """Return the script with these names, one for each place."""
        return "".join([names[piece] if isinstance(piece, int) else piece for piece in self.pieces])


def mangle(script: str, own: frozenset[str] = frozenset(), wished: Iterable[str] = ()) -> str:
    """Return the script with its own names shortened, and those properties that never leave it."""
    shortened = shorten(script, own)
    return shortened.written(shortened.names(wished))


def shorten(script: str, own: frozenset[str] = frozenset()) -> Shortened:
    """Find the names that may be short, and which of them may be the same.

    A name of the outermost scope has one short name in the whole script. Names declared inside an outermost
    statement are handed the same few short names again in every statement: safe, and it packs best.
    """
    tidied = _tidy(tokens(script))
    words = _placed(tidied)
    outer, inner = _declarations(words)
    outer |= own
    kept = set(KEYWORDS)
    uses: Counter[str] = Counter()
    for word in words:
        if word.text in own:
            uses[word.text] += 1
        elif word.role == "shorthand" or (
            word.role == "name" and word.text not in outer | inner[word.statement]
        ):
            kept.add(word.text)
        elif word.role == "name" and word.text in outer:
            uses[word.text] += 1
    widest = max(len(names - kept) for names in inner)
    ranks = (name for name, _ in uses.most_common() if name not in kept)
    for_outer = {name: widest + rank for rank, name in enumerate(ranks)}
    given: dict[tuple[int, str], int] = {}
    used: Counter[int] = Counter()  # names handed out per statement
    texts: list[str | int] = []
    for word in words:
        text = word.text
        if text in for_outer and (text in own or word.role == "name"):
            texts.append(for_outer[text])
        elif word.role == "name" and text not in kept:
            if (word.statement, text) not in given:
                given[word.statement, text] = used[word.statement]
                used[word.statement] += 1
            texts.append(given[word.statement, text])
        else:
            texts.append(text)
    merged = _merged([(kind, text) for (kind, _), text in zip(tidied, texts, strict=True)])
    return Shortened(tuple(_join(merged)), frozenset(kept), widest + len(for_outer))


def _tidy(words: list[Token]) -> list[Token]:
    """Drop spaces, comments, what stands idle before a closing bracket, brackets of one parameter."""
    words = [word for word in words if word[0] != "space"]
    texts = [text for _, text in words] + [""] * 3
    dropped: set[int] = set()
    for at, (kind, text) in enumerate(words):
        if kind != "sign":
            continue
        closes = texts[at + 1] in (")", "]", "}")
        if (text == "," and closes) or (text == ";" and texts[at + 1] == "}"):
            dropped.add(at)
        if text == "(" and words[at + 1][0] == "word" and texts[at + 2 : at + 4] == [")", "=>"]:
            dropped |= {at, at + 2}
    return [word for at, word in enumerate(words) if at not in dropped]


def _merged(words: list[tuple[str, str | int]]) -> list[tuple[str, str | int]]:
    """Make one `let a, b, c` of declarations in a row; nothing assigns to a constant, so it may be `let`."""
    merged: list[tuple[str, str | int]] = []
    declares = [False]  # per open bracket: is the statement here a declaration?
    for at, (kind, text) in enumerate(words):
        if kind == "sign" and text in ("(", "[", "{"):
            declares.append(False)
        elif kind == "sign" and text in (")", "]", "}"):
            declares.pop()
        elif text in ("const", "let"):
            if declares[-1]:
                continue  # its semicolon has become a comma
            declares[-1] = True
            merged.append((kind, "let"))
            continue
        elif kind == "sign" and text == ";":
            declares[-1] = declares[-1] and words[at + 1][1] in ("const", "let")
            merged.append((kind, "," if declares[-1] else text))
            continue
        merged.append((kind, text))
    return merged


def _placed(words: list[Token]) -> list[Word]:
    steps = [(text in "([{") - (text in ")]}") if kind == "sign" else 0 for kind, text in words]
    ends = [
        text == ";" and depth == WRAPPER_DEPTH
        for (_, text), depth in zip(words, accumulate(steps), strict=True)
    ]
    statements = accumulate([0, *ends[:-1]])
    return [
        Word(text, role, at) for (_, text), role, at in zip(words, _roles(words), statements, strict=True)
    ]


def _roles(words: list[Token]) -> Iterator[str]:
    """Say of each token what it is: a name (may be shortened), a property, a shorthand, or something else."""
    brackets: list[str] = []
    for at, (kind, text) in enumerate(words):
        before = words[at - 1][1] if at else ""
        after = words[at + 1][1] if at + 1 < len(words) else ""
        if kind == "sign" and text in "([{":
            brackets.append(text)
        elif kind == "sign" and text in ")]}":
            brackets.pop()
        in_braces = brackets[-1:] == ["{"] and before in ("{", ",")
        if kind != "word" or text in KEYWORDS:
            yield "other"
        elif before in (".", "?.") or (in_braces and after == ":"):
            yield "property"
        elif in_braces and after in (",", "}"):
            yield "shorthand"
        else:
            yield "name"


def _declarations(words: list[Word]) -> tuple[set[str], list[set[str]]]:
    """Find the names of the outermost scope, and those declared inside of each outermost statement."""
    outer: set[str] = set()
    inner: list[set[str]] = [set() for _ in range(words[-1].statement + 1)]
    depth = 0
    for at, word in enumerate(words):
        depth += (word.text in "([{") - (word.text in ")]}") if len(word.text) == 1 else 0
        if word.role == "other" and word.text in ("const", "let") and words[at + 1].role == "name":
            names = {words[at + 1].text}
            if depth == WRAPPER_DEPTH:
                outer |= names
                continue
        elif word.text == "=>" or (word.text == "{" and words[at - 1].text == ")"):
            names = _parameters(words, at - 1) if word.text == "=>" or _is_function(words, at - 1) else set()
        else:
            continue
        inner[word.statement] |= names
    if clash := outer & set().union(*inner):
        raise UnreadableScript(f"the same name outside and inside of a function: {', '.join(sorted(clash))}")
    return outer, inner


def _is_function(words: list[Word], closing: int) -> bool:
    return words[_opening(words, closing) - 1].text == "function"


def _opening(words: list[Word], closing: int) -> int:
    depth = 0
    for at in range(closing, -1, -1):
        depth += (words[at].text == ")") - (words[at].text == "(")
        if not depth:
            return at
    raise UnreadableScript("a bracket is not open")


def _parameters(words: list[Word], last: int) -> set[str]:
    return {word.text for word in words[_opening(words, last) : last + 1] if word.role == "name"}


def _join(words: list[tuple[str, str | int]]) -> Iterator[str | int]:
    ends_in_word = False
    for _, text in words:
        if ends_in_word and (isinstance(text, int) or re.match(r"[\w$]", text)):
            yield " "
        yield text
        ends_in_word = isinstance(text, int) or re.search(r"[\w$]$", text) is not None


def _short_names(taken: Collection[str]) -> Iterator[str]:
    for length in (1, 2):
        for letters in product(ascii_letters + "_$", repeat=length):
            name = "".join(letters)
            if name not in taken:
                yield name
