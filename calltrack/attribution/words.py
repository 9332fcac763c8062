"""The reasons of a verdict in sentences a marketer understands."""

from collections.abc import Sequence

from calltrack.attribution.verdict import CallFacts, Campaign, Candidate

UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def span(seconds: int) -> str:
    """Return a length of time in its largest fitting unit: `8 seconds`, `2 hours`, `1 day`."""
    size, unit = next(((size, unit) for size, unit in UNITS if seconds >= size), (1, "second"))
    count = seconds // size
    return f"{count} {unit}{'' if count == 1 else 's'}"


def named(campaign: Campaign) -> str:
    """Return source, medium and campaign as one phrase: `google / cpc / traslochi-roma`."""
    return " / ".join(word for word in campaign if word and word != "none") or "an unnamed source"


def percent(probability: float) -> str:
    """Return a probability as people write it; never a rounded 100 % or 0 % that was not exact."""
    if 0.995 <= probability < 1:
        return "over 99 %"
    return "under 1 %" if 0 < probability < 0.005 else f"{probability * 100:.0f} %"


def reasons_for_static(campaign: Campaign) -> tuple[str, ...]:
    """Say why a static number needs no visit."""
    return (f"Static number: it is shown nowhere but in {named(campaign)}.",)


def reasons_for(
    call: CallFacts,
    chosen: Candidate | None,
    ranked: Sequence[Candidate],
    p_nobody: float,
    campaign: Campaign | None,
    p_campaign: float,
) -> tuple[str, ...]:
    """Say why the chosen visit, or none, was credited; the strongest reason comes first."""
    said = _why_chosen(call, chosen) if chosen else _why_none(ranked, p_nobody)
    said += _others(chosen, ranked)
    if chosen is None and campaign:
        said.append(
            f"The likely visits came from the same campaign: {named(campaign)} ({percent(p_campaign)})."
        )
    if any(one.is_overflow for one in ranked[:1]):
        said.append("Every number of the pool was in use, so this one was shown to several visits at once.")
    if call.is_withheld:
        said.append("The caller withheld the number, so earlier calls say nothing.")
    return tuple(said)


def _why_chosen(call: CallFacts, chosen: Candidate) -> list[str]:
    said = []
    if chosen.is_carried and call.earlier:
        waited = int((call.started_at - call.earlier.started_at).total_seconds())
        came = named(chosen.campaign_key())
        return [f"This caller called {span(waited)} before; that call came from {came}."]
    if chosen.tapped_seconds is not None:
        said.append(f"Tapped the number {span(chosen.tapped_seconds)} before the call.")
    if chosen.on_screen:
        said.append("Was looking at the number when the call began.")
    else:
        said.append(f"Left the site {span(chosen.age_seconds)} before the call.")
    if chosen.is_known:
        said.append("An earlier call showed that this visitor is this caller.")
    if chosen.pages > 1:
        said.append(f"Looked at {chosen.pages} pages in {span(chosen.dwell_seconds)}.")
    return said


def _why_none(ranked: Sequence[Candidate], p_nobody: float) -> list[str]:
    if not ranked:
        return ["Nobody is known to have been shown this number in the time a call is linked to."]
    likeliest = percent(ranked[0].probability)
    if p_nobody >= ranked[0].probability:
        unwanted = f"A wrong number or an unwanted call is likelier ({percent(p_nobody)})"
        return [f"{unwanted} than any visit ({likeliest})."]
    return [f"No visit is sure enough to be credited; the likeliest has {likeliest}."]


def _others(chosen: Candidate | None, ranked: Sequence[Candidate]) -> list[str]:
    others = [one for one in ranked if chosen is None or one.visit_id != chosen.visit_id]
    if not others:
        return ["No other visit saw this number in the time a call is linked to."] if chosen else []
    nearest = min(others, key=lambda one: (not one.on_screen, one.age_seconds))
    other = "other " if chosen else ""
    many = f"{len(others)} {other}visit{'' if len(others) == 1 else 's'} saw this number"
    if nearest.on_screen:
        count = sum(one.on_screen for one in others)
        return [
            f"{many}; {count} of them {'was' if count == 1 else 'were'} looking at it when the call began."
        ]
    return [f"{many}; the nearest left {span(nearest.age_seconds)} before the call."]
