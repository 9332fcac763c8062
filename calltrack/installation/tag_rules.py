"""The tag: whether it is there, runs, is the right one, and once."""

from collections.abc import Iterator, Mapping
from typing import Any

from calltrack.installation.facts import Facts, Finding


def judge_tag(facts: Facts) -> Iterator[Finding]:
    """Yield what is wrong with the tag on the page."""
    tags = facts.read.get("tags", [])
    running = [tag for tag in tags if tag["runs"]]
    if facts.is_read and not tags and not facts.seen:
        yield _not_there(facts)
    yield from _stopped(facts, tags, running)
    yield from _keys(facts, running)
    if len(running) > 1:
        yield _twice(running)
    for tag in running[:2]:
        yield from _build(facts, tag)
        if tag["is_mixed"]:
            yield Finding(
                "mixed_content", "fault", "The tag is loaded by http on a page that is https",
                f"Browsers block it: {tag['src']}", "Write https:// in the tag's src.",
            )  # fmt: skip


def _not_there(facts: Facts) -> Finding:
    step = "Copy the tag from the site's page and put it into the <head> of every page."
    if facts.read["is_commented"]:
        return Finding(
            "not_there", "fault", "The tag stands in a comment",
            "Browsers skip what lies between <!-- and -->.", "Take the comment marks away.",
        )  # fmt: skip
    if facts.read["managers"]:
        name = facts.read["managers"][0]
        return Finding(
            "not_there", "fault" if facts.is_silent else "notice", "The tag is not in the page itself",
            f"{name} is there and may bring it in. Our server runs no scripts, so it cannot see that.",
            f"Open the page in this browser. If nothing arrives: publish the {name} container, and let the "
            "calltrack tag fire on all pages.",
        )  # fmt: skip
    return Finding(
        "not_there",
        "fault",
        "The tag is not on this page",
        f"Our server read {facts.read['final'].partition('?')[0]}.",
        step,
    )


def _stopped(
    facts: Facts, tags: list[Mapping[str, Any]], running: list[Mapping[str, Any]]
) -> Iterator[Finding]:
    if not tags or running or facts.seen:
        return
    banner = ", ".join(facts.read["banners"])
    if banner:
        yield Finding(
            "consent", "fault" if facts.is_silent else "notice",
            "The banner holds the tag back until it is answered",
            f"The tag is written so that {banner} starts it after consent.",
            "Open the page and agree. To let the snippet wait for consent itself, write it as on the site's "
            "page, with data-consent=\"required\".",
        )  # fmt: skip
    else:
        yield Finding(
            "not_run", "fault", "The tag is there, but browsers do not run it",
            "Its type or its src is changed, or it stands in <noscript>: an optimiser or a plug-in did that.",
            "Exclude ct.js from delaying, combining and lazy loading of scripts.",
        )  # fmt: skip


def _keys(facts: Facts, running: list[Mapping[str, Any]]) -> Iterator[Finding]:
    wrong = {tag["key"] for tag in running} - {facts.site_key}
    refused = [one for one in facts.seen if one["outcome"] == "refused" and one["why"] == "key"]
    foreign = [one for one in facts.seen if one["site"] and one["site"] != facts.site_id]
    step = f'Write data-site="{facts.site_key}" into the tag, or copy it anew from the site\'s page.'
    if "" in wrong and not facts.answered:
        yield Finding("wrong_key", "fault", "The tag has no site key", "data-site is missing.", step)
    elif refused or foreign or wrong - {""}:
        key = next(iter(wrong - {""}), "")
        why = f"The page says {key!r}." if key else "The page view that arrived named another key."
        title = "The tag has the key of another website" if foreign else "The site key is not this website's"
        yield Finding("wrong_key", "fault", title, why, step)


def _twice(running: list[Mapping[str, Any]]) -> Finding:
    keys = {tag["key"] for tag in running}
    if len(keys) > 1:
        return Finding(
            "twice", "fault", "Two tags with different keys are on the page",
            f"The first one that loads wins: {', '.join(sorted(keys))}.",
            "Leave this site's tag and remove the other.",
        )  # fmt: skip
    return Finding(
        "twice", "notice", "The tag is on the page more than once",
        "Only the first does anything, but each is loaded.",
        "Leave one: in the theme, the plug-in or the tag manager.",
    )  # fmt: skip


def _build(facts: Facts, tag: Mapping[str, Any]) -> Iterator[Finding]:
    fresh = "Copy the tag anew from the site's page."
    if not tag["is_ours"]:
        yield Finding(
            "old_copy", "notice" if tag["is_newest"] else "fault",
            "The snippet is served from somewhere else",
            f"{tag['src']} is {_state(tag)}; it gets no repairs, and asks that place for numbers.",
            f"Load it from {facts.base_url}/ct.js.",
        )  # fmt: skip
    elif not tag["is_there"]:
        yield Finding(
            "old_copy", "fault", "This version of the snippet is not served any more", tag["src"], fresh
        )
    elif not tag["is_newest"]:
        yield Finding(
            "old_copy", "notice", "The page pins an older version of the snippet", tag["src"], fresh
        )
    if not tag["has_integrity"] or not tag["is_there"]:
        return
    if not tag["integrity_fits"]:
        yield Finding(
            "integrity", "fault", "The hash in the tag is not this script's",
            "With this integrity browsers refuse to run it.",
            "Copy the line under Pin this version on the site's page.",
        )  # fmt: skip
    elif not tag["has_crossorigin"]:
        yield Finding(
            "integrity", "fault", "The tag has a hash, but no crossorigin",
            "Browsers cannot compare the hash then and run nothing.",
            'Add crossorigin="anonymous" to the tag.',
        )  # fmt: skip
    elif not tag["is_pinned"]:
        yield Finding(
            "integrity", "notice", "The hash is right today and wrong after the next update",
            "ct.js changes; a hash fits one version only.",
            "Use the line under Pin this version on the site's page.",
        )  # fmt: skip


def _state(tag: Mapping[str, Any]) -> str:
    if not tag["is_there"]:
        return "not there"
    return "a copy of the newest version" if tag["is_newest"] else "an old or changed copy"
