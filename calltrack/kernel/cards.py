"""Card numbers in what people said or wrote: found by their check digit (Luhn), and made unreadable."""

import re

# As said: digits one by one or in groups, also as words.
WORDS = {
    word: digit
    for words in (
        "zero one two three four five six seven eight nine",
        "zero uno due tre quattro cinque sei sette otto nove",
        "null eins zwei drei vier fünf sechs sieben acht neun",
    )
    for digit, word in enumerate(words.split())
} | {"oh": 0, "un": 1, "zwo": 2}
_WORD = "|".join(sorted(WORDS, key=len, reverse=True))
UNIT = re.compile(rf"\d|\b(?:{_WORD})\b", re.IGNORECASE)
# What may stand between two digits of one number.
BETWEEN = re.compile(r"[\s\-.,;/_]{0,4}")
SHORTEST, LONGEST = 13, 19
MARK = "•"


def redact(text: str) -> str:
    """Return the text with every digit of every possible card number replaced by a mark.

    Possible: 13 to 19 digits in a row, however they are spaced, whose check digit fits. The length stays.
    """
    units = [(match.start(), match.end(), _digit(match.group())) for match in UNIT.finditer(text)]
    marks = list(text)
    for run in _runs(text, units):
        for first, last in _cards([digit for _, _, digit in run]):
            for start, end, _ in run[first:last]:
                marks[start:end] = MARK * (end - start)
    return "".join(marks)


def redact_all(texts: list[str]) -> list[str]:
    """Redact texts that were said one after the other: a number may go on in the next one."""
    whole = redact("\n".join(texts))
    cut, start = [], 0
    for text in texts:
        cut.append(whole[start : start + len(text)])
        start += len(text) + 1
    return cut


def luhn_fits(digits: list[int]) -> bool:
    """Tell whether the last digit is the check digit of the others (ISO/IEC 7812)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _runs(text: str, units: list[tuple[int, int, int]]) -> list[list[tuple[int, int, int]]]:
    """Cut the digits into rows with nothing but gaps in between."""
    runs: list[list[tuple[int, int, int]]] = []
    for unit in units:
        if runs and BETWEEN.fullmatch(text, runs[-1][-1][1], unit[0]):
            runs[-1].append(unit)
        else:
            runs.append([unit])
    return [run for run in runs if len(run) >= SHORTEST]


def _cards(digits: list[int]) -> list[tuple[int, int]]:
    """Return every stretch of a row that may be a card number, overlapping ones included."""
    return [
        (first, first + length)
        for first in range(len(digits) - SHORTEST + 1)
        for length in range(SHORTEST, min(LONGEST, len(digits) - first) + 1)
        if any(digits[first : first + length]) and luhn_fits(digits[first : first + length])
    ]


def _digit(unit: str) -> int:
    return WORDS[unit.lower()] if unit.lower() in WORDS else int(unit)
