"""What the page itself told when it was looked at from inside (see `static/inside.js` of the dashboard)."""

from collections.abc import Iterator

from calltrack.installation.facts import Facts, Finding


def judge_inside(facts: Facts) -> Iterator[Finding]:
    """Yield what only a look from within the page can tell."""
    told = facts.inside
    if not told:
        return
    runs, given = told["api"], told["numbers"]
    if told["tags"] and not runs:
        yield Finding(
            "blocked", "fault", "The browser did not load the snippet",
            "The tag is in the page, but its script never ran: an ad blocker, a policy or a wrong hash "
            "stops it.",
            "Open the browser's console there: it names the reason. Try a private window without extensions.",
        )  # fmt: skip
    elif runs and (told["asked"] or told["stored"]) and not given and not facts.answered:
        yield Finding(
            "blocked", "fault", "The snippet ran, but its question to the service failed",
            "An ad blocker, a firewall or connect-src of the page's policy stops it.",
            "Try a private window without extensions, and see what the other findings say.",
        )  # fmt: skip
    elif runs and not told["asked"] and not told["stored"]:
        yield Finding(
            "consent", "fault", "The snippet runs and waits for consent",
            "It asked for nothing yet, and stored nothing.",
            "Answer the banner. If nothing changes, the banner does not tell the snippet: let it call "
            "calltrack.consent(true).",
        )  # fmt: skip
    left = [facts.readable.get(one, one) for one in told["left"]]
    if given and left:
        yield Finding(
            "reverted", "fault", f"{', '.join(left)} is still to be read on the page",
            "A script of the page (a framework that draws it anew, a slider) wrote it back, or it stands "
            "in a closed shadow root.",
            "Load the tag after the framework has started, or call calltrack.swap(element) later.",
        )  # fmt: skip
    elif given:
        yield Finding(
            "seen_inside", "good", "The page shows tracking numbers, and none of yours is left on it",
            "Looked at from inside.",
        )  # fmt: skip
