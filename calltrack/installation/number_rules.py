"""The numbers: on the page, replaced, and enough of them."""

from collections.abc import Iterator, Mapping

from calltrack.installation.facts import Facts, Finding, Level, Target


def judge_numbers(facts: Facts) -> Iterator[Finding]:
    """Yield what is wrong with the numbers, and which are replaced as they should."""
    if not facts.targets:
        yield Finding(
            "no_target", "fault", "No number of this website is replaced yet",
            "The snippet knows no business number to look for.",
            "Choose which number is replaced, and by which pool.",
        )  # fmt: skip
    hard = [facts.readable.get(number, number) for number in facts.read.get("hard_coded", [])]
    if hard:
        yield Finding(
            "hard_coded", "fault", f"A tracking number is written into the page: {', '.join(hard)}",
            "Every visitor would call the same number, which belongs to another visit tomorrow.",
            "Write your own business number there; the snippet replaces it.",
        )  # fmt: skip
    standing = [target for target in facts.targets if _stands(facts, target)]
    for target in facts.targets:
        yield from _judge(facts, target, bool(standing))


def _judge(facts: Facts, target: Target, others_stand: bool) -> Iterator[Finding]:
    replaced = facts.replaced(target)
    if not target.usable:
        yield Finding(
            "pool_empty", "fault", f"{target.pool} has no number to show for {target.shown_as}",
            "The pool is empty, or all of its numbers are unfit, resting or leaving.",
            "Add numbers to the pool, or see on the Numbers page what is the matter with them.",
        )  # fmt: skip
    elif replaced and facts.found_in_browser(target):
        number = facts.readable.get("+" + replaced, "+" + replaced)
        yield Finding(
            "replaced", "good", f"{target.shown_as} became {number} in your browser",
            "The snippet ran, the page's number was found, and a number of the pool was given.",
        )  # fmt: skip
    elif facts.found_in_browser(target):
        yield Finding(
            "pool_empty", "fault", f"No number was given for {target.shown_as}",
            f"The page holds it, but {target.pool} had no number left, or your network used up its share.",
            "Add numbers to the pool; the Numbers page shows when it ran dry.",
        )  # fmt: skip
    elif facts.is_read or facts.answered:
        yield from _missing(facts, target, others_stand)
    if target.usable and not target.country_fits:
        yield Finding(
            "pool_country", "notice",
            f"The numbers of {target.pool} are of another country than {target.shown_as}",
            "They are shown in international notation.", "Callers trust a number of their own country more.",
        )  # fmt: skip


def _missing(facts: Facts, target: Target, others_stand: bool) -> Iterator[Finding]:
    places: Mapping[str, int] = facts.read.get("targets", {}).get(target.e164, {})
    name = target.shown_as
    # A company with three branches need not write three numbers on every page.
    missed: Level = "notice" if others_stand else "fault"
    if places.get("text") or places.get("link") or places.get("marked_picture"):
        return
    if places.get("picture"):
        yield Finding(
            "in_picture", "fault", f"{name} is in a picture",
            "Visitors read the picture, and the snippet cannot write into it.",
            'Write the number as text, or give the picture class="ct-number" and the number as its alt.',
        )  # fmt: skip
    elif places.get("extension") or places.get("odd") or places.get("without_prefix"):
        yield _notation(places, name)
    elif places.get("kept_out"):
        yield Finding(
            "kept_out", "fault", f"{name} stands only where nothing is replaced",
            "In a form field, an editable part, <noscript>, or under data-ct-noswap.",
            "Write it as plain text as well, or take data-ct-noswap away.",
        )  # fmt: skip
    elif facts.read.get("frames"):
        yield Finding(
            "in_frame", missed, f"{name} is not in the page, maybe in a frame",
            f"Frames of other addresses may be read by no script: {', '.join(facts.read['frames'][:3])}.",
            "Put the tag into the framed page too, or the number into this one.",
        )  # fmt: skip
    elif places.get("structured"):
        yield Finding(
            "not_found", missed, f"{name} stands only in the data for search engines",
            "That is left alone on purpose.", "Write the number where visitors read it.",
        )  # fmt: skip
    elif not facts.answered:
        yield Finding(
            "not_found", "notice", f"{name} is not in the page as the server sends it",
            "A script may write it later.", "Open the page in this browser: then we see what visitors see.",
        )  # fmt: skip
    else:
        yield Finding(
            "not_found", missed, f"{name} is not on this page",
            "Neither our server nor your browser found it.",
            "Check the number under Numbers on this website, or check a page that shows it.",
        )  # fmt: skip


def _notation(places: Mapping[str, int], name: str) -> Finding:
    if places["extension"]:
        why = (
            "Digits follow it (an extension such as -23 or /2), which would not exist behind another number."
        )
        step = "Write the number without the extension, or enter the full number as the one to replace."
    elif places["odd"]:
        why = "Other signs than spaces, dots, dashes, slashes and brackets stand between its digits."
        step = "Write the number with spaces or dashes."
    else:
        why = "Only its last digits stand there, without the area code."
        step = "Write it with its area code: nobody from elsewhere can call it without."
    return Finding("notation", "fault", f"{name} is written so that it is not replaced", why, step)


def _stands(facts: Facts, target: Target) -> bool:
    places = facts.read.get("targets", {}).get(target.e164, {})
    return bool(places.get("text") or places.get("link") or facts.found_in_browser(target))
