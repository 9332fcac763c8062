"""Why a posterior came out as it did, as codes with values: what a person would have pointed at."""

from __future__ import annotations

from calltrack.attribution.densities import TAP_END
from calltrack.attribution.facts import TAP_IS_LATE_SECONDS, Evidence, Holding, Posterior, Reason
from calltrack.attribution.holders import Holders

MOSTLY = 0.5


def reasons_for(evidence: Evidence, holders: Holders, found: Posterior) -> tuple[Reason, ...]:
    """Return the reasons, the telling ones first.

    Codes: `withheld`, `repeat`, `known_phone`, `tapped`, `copied`, `on_screen`, `last_seen`, `contact_page`,
    `same_region`, `typed_phone`, `only_visit`, `visits`, `shared`, `shared_campaign`, `nobody`; and `static`,
    of a number that stands for one campaign.
    """
    call = evidence.call
    reasons = [] if call.caller else [Reason(code="withheld")]
    if found.p_nobody > MOSTLY:
        reasons.append(Reason(code="nobody", values={"p": round(found.p_nobody, 3)}))
    if found.p_repeat > MOSTLY:
        reasons.append(Reason(code="repeat", values=_of_repeat(evidence)))
    elif found.candidates and found.p_nobody <= MOSTLY:
        likeliest = holders.latest_of(found.candidates[0].visit)
        reasons += _of_visit(evidence, likeliest) if likeliest else []
    code = "only_visit" if len(holders) == 1 else "visits"
    reasons.append(Reason(code=code, values={"count": len(holders)}))
    looking = int(holders.on_screen_at(call.at).sum())
    if looking > 1:
        reasons.append(Reason(code="shared", values={"count": looking}))
    return (*reasons, *_of_campaign(found))


def _of_repeat(evidence: Evidence) -> dict[str, float | str]:
    """Return how often the caller rang before, how long ago, and where that call came from."""
    own = [one for one in evidence.earlier if one.same_caller]
    if not own:
        return {}
    last = max(own, key=lambda one: one.at)
    values: dict[str, float | str] = {
        "calls_before": evidence.calls_before,
        "seconds": round(evidence.call.at - last.at),
    }
    if last.posterior.by_campaign:
        campaign, p = max(last.posterior.by_campaign.items(), key=lambda item: (item[1], item[0]))
        values |= {"campaign": campaign, "p": round(p, 3)}
    return values


def _of_visit(evidence: Evidence, visit: Holding) -> list[Reason]:
    at = evidence.call.at
    reasons = []
    if visit.visitor in evidence.typed:
        reasons.append(Reason(code="typed_phone"))
    elif known := evidence.linked.get(visit.visitor):
        reasons.append(Reason(code="known_phone", values={"p": round(known, 3)}))
    taps = [max(at - tap, 0.0) for tap in visit.taps if tap <= at + TAP_IS_LATE_SECONDS]
    if taps and taps[-1] < TAP_END:
        reasons.append(Reason(code="tapped", values={"seconds": round(taps[-1])}))
    if visit.copied_at is not None and visit.copied_at <= at:
        reasons.append(Reason(code="copied", values={"seconds": round(at - visit.copied_at)}))
    if at <= visit.screen_until():
        reasons.append(Reason(code="on_screen", values={"seconds": round(at - visit.shown_from)}))
    else:
        reasons.append(Reason(code="last_seen", values={"seconds": round(at - visit.last_seen)}))
    if visit.contact_at is not None and visit.contact_at <= at:
        looked = max(min(visit.last_seen, at) - visit.contact_at, 0.0)
        reasons.append(Reason(code="contact_page", values={"seconds": round(looked)}))
    if evidence.call.region and evidence.call.region == visit.region:
        reasons.append(Reason(code="same_region", values={"region": visit.region}))
    return reasons


def _of_campaign(found: Posterior) -> list[Reason]:
    """Several visits of one campaign may be likely together where none of them is alone."""
    if not found.by_campaign or not found.candidates:
        return []
    campaign, p = max(found.by_campaign.items(), key=lambda item: (item[1], item[0]))
    if p <= MOSTLY or found.candidates[0].p > p - 0.1:
        return []
    return [Reason(code="shared_campaign", values={"campaign": campaign, "p": round(p, 3)})]
