"""What is wrong with an installation, and how to mend it: the worst first, each with its next step."""

from collections.abc import Iterator
from typing import Final

from calltrack.installation.facts import Facts, Finding
from calltrack.installation.inside_rules import judge_inside
from calltrack.installation.number_rules import judge_numbers
from calltrack.installation.tag_rules import judge_tag
from calltrack.kernel.errors import BadInput
from calltrack.visits.rules import normal_origin

ORDER: Final = {"fault": 0, "notice": 1, "good": 2}


def diagnose(facts: Facts) -> tuple[Finding, ...]:
    """Return the findings: faults, then what to know, then what is well."""
    found = [
        *_unread(facts), *judge_tag(facts), *_origin(facts), *_policy(facts), *_consent(facts),
        *_redirects(facts), *judge_numbers(facts), *judge_inside(facts), *_refused(facts),
    ]  # fmt: skip
    if facts.is_silent and not any(one.level == "fault" for one in found):
        found.append(_blocked(facts))
    once = {(one.code, one.title): one for one in reversed(found)}
    in_order = list(once.values())[::-1]
    return tuple(sorted(in_order, key=lambda one: ORDER[one.level]))


def _unread(facts: Facts) -> Iterator[Finding]:
    if facts.fetched is None or facts.is_read:
        return
    yield Finding(
        "unread", "notice", "Our server could not read the page",
        f"{facts.fetched['final']}: {facts.fetched['problem']}. Sites behind a sign-in or a shield do that.",
        "Open the page in this browser: what it tells counts alone.",
    )  # fmt: skip


def _origin(facts: Facts) -> Iterator[Finding]:
    refused = [one["origin"] for one in facts.seen if one["outcome"] == "refused" and one["why"] == "origin"]
    landed = _normal(facts.read.get("final", ""))
    wrong = refused[-1] if refused else landed if landed and landed not in facts.origins else ""
    if wrong and not facts.answered:
        yield Finding(
            "origin", "fault", f"{wrong} is not among the addresses of this website",
            "The service answers pages of registered addresses only.",
            f"Add {wrong} under Name and addresses of the website (with and without www are two).",
        )  # fmt: skip


def _policy(facts: Facts) -> Iterator[Finding]:
    if facts.answered:
        return  # it came through: the policy read by our server is not the browser's, or is no hindrance
    for kind, what in (("script_refused", "load the snippet"), ("connection_refused", "ask for numbers")):
        refusal = facts.read.get(kind)
        if refusal:
            name = "script-src" if kind == "script_refused" else "connect-src"
            yield Finding(
                "csp", "fault", f"The page's Content-Security-Policy does not let it {what}",
                f"{refusal['directive']} {refusal['written']}", f"Add {facts.base_url} to {name}.",
            )  # fmt: skip


def _consent(facts: Facts) -> Iterator[Finding]:
    refused = [one for one in facts.answered if one["measure"] is False]
    if refused and refused[-1] is facts.answered[-1]:
        yield Finding(
            "consent", "notice", "You refused to be measured on this page",
            "Your business number stays, as it should; nothing can be checked behind it.",
            "Answer the banner with yes (private window, or its settings) and look again.",
        )  # fmt: skip
    if facts.seen:
        return
    waiting = [tag["consent"] for tag in facts.read.get("tags", []) if tag["consent"] and tag["runs"]]
    banners = facts.read.get("banners", [])
    if waiting or (banners and facts.is_silent and facts.read.get("tags")):
        by = (
            f'The tag says data-consent="{waiting[0]}".'
            if waiting
            else f"{', '.join(banners)} is on the page."
        )
        yield Finding(
            "consent", "fault" if facts.is_silent else "notice", "The snippet waits for consent",
            f"{by} Until the banner is answered nothing is sent, and the page keeps your number.",
            "Answer the banner in the window that was opened. If nothing arrives then, it does not tell "
            "the snippet: call calltrack.consent(true) from it, or use Google consent mode or TCF.",
        )  # fmt: skip


def _redirects(facts: Facts) -> Iterator[Finding]:
    arrived = [one for one in facts.seen if not one["has_query"]]
    if arrived or (facts.is_read and not facts.read["kept_click_id"] and not facts.seen):
        where = " > ".join([*facts.read.get("hops", []), facts.read.get("final", "")]) or arrived[0]["page"]
        yield Finding(
            "redirect", "fault", "A redirect drops the click ids",
            f"What an ad adds to the address (gclid and the like) is lost on the way: {where}",
            "Let the redirect keep the query, or link ads to the address it leads to.",
        )  # fmt: skip


def _refused(facts: Facts) -> Iterator[Finding]:
    for one in facts.seen:
        if one["outcome"] == "crawler":
            yield Finding(
                "crawler", "fault", "Your browser calls itself a crawler",
                "Crawlers get no number; an extension changes the browser's name.",
                "Use another browser.",
            )  # fmt: skip
        elif one["outcome"] == "refused" and one["why"] in ("busy", "down"):
            yield Finding(
                "busy", "notice", "The service did not answer just then",
                "Too many requests came from your network, or the database was busy.",
                "Look again in a minute.",
            )  # fmt: skip


def _blocked(facts: Facts) -> Finding:
    return Finding(
        "blocked", "fault", "The page was opened, and nothing arrived",
        "Nothing on the page explains it: an ad blocker, a firewall or the browser's tracking protection "
        f"stops {facts.base_url}.",
        "Open the page in a private window without extensions. If it works there, most visitors have "
        "no trouble; a sub-domain of your own is blocked less often. Else look from inside.",
    )  # fmt: skip


def _normal(url: str) -> str:
    try:
        return normal_origin(url) if url else ""
    except BadInput:
        return ""
