"""Cut JavaScript into tokens. Template literals are opened: what stands in ${...} is code like any other."""

import re

Token = tuple[str, str]  # (kind, text); kinds: space (and comments), text, word, number, regex, sign

# fmt: off
KEYWORDS = frozenset((
    "async", "await", "break", "catch", "const", "continue", "delete", "do", "else", "false", "finally",
    "for", "function", "if", "in", "instanceof", "let", "new", "null", "of", "return", "this", "throw",
    "true", "try", "typeof", "undefined", "var", "void", "while",
))
# fmt: on

_WORD = r"[A-Za-z_$][\w$]*"
_TOKEN = re.compile(
    r"(?P<space>\s+|//[^\n]*|/\*.*?\*/)"
    r"|(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    rf"|(?P<word>{_WORD})"
    r"|(?P<number>\d[\w.]*)"
    r"|(?P<sign>=>|\?\.|\.\.\.|\+\+|--|.)",
    re.DOTALL,
)
_REGEX = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/\w*")
_TEMPLATE = re.compile(r"`(?:[^`\\]|\\.)*`", re.DOTALL)
_HOLE = re.compile(r"\$\{([^{}`]*)\}")


class UnreadableScript(ValueError):
    """The script uses something this small reader does not know."""


def tokens(script: str) -> list[Token]:
    """Cut a script into (kind, text); joined again they are the script, byte for byte."""
    found: list[Token] = []
    at = 0
    while at < len(script):
        template = _TEMPLATE.match(script, at)
        if template:
            found += _opened(template[0])
            at = template.end()
            continue
        kind, text = _next(script, at, found)
        found.append((kind, text))
        at += len(text)
    return found


def _next(script: str, at: int, before: list[Token]) -> Token:
    if script[at] == "/" and script[at + 1] not in "/*" and _expects_a_value(before):
        regex = _REGEX.match(script, at)
        if regex:
            return "regex", regex[0]
    match = _TOKEN.match(script, at)
    if match is None or match.lastgroup is None:
        raise UnreadableScript(script[at : at + 40])
    return match.lastgroup, match[0]


def _expects_a_value(before: list[Token]) -> bool:
    """Tell a regular expression from a division: it stands where a value may begin."""
    kind, text = next((token for token in reversed(before) if token[0] != "space"), ("sign", "("))
    return (kind == "sign" and text not in (")", "]")) or text in KEYWORDS


def _opened(template: str) -> list[Token]:
    found: list[Token] = []
    end = 0
    for hole in _HOLE.finditer(template):
        found += [("text", template[end : hole.start()] + "${"), *tokens(hole[1])]
        end = hole.end() - 1
    rest = template[end:]
    if "${" in rest:
        raise UnreadableScript(f"braces or a template within ${{}}: {template[:60]}")
    return [*found, ("text", rest)]
