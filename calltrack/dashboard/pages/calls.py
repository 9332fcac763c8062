"""The call log: every filter stands in the address, so any view can be sent as a link."""

from dataclasses import replace
from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from calltrack.accounts.queries import locations, members
from calltrack.calls.people.tags import tag_choices
from calltrack.calls.people.work import STATUSES
from calltrack.conversions.call_log import OUTCOMES
from calltrack.conversions.figures import Span
from calltrack.conversions.levels import Levels, levels
from calltrack.conversions.queries import CallFilter, Place, find_calls
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.metrics import METRICS
from calltrack.dashboard.periods import NAMES, day_span, period
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.ids import parse_id
from calltrack.kernel.phone import to_e164
from calltrack.numbers.queries import named
from calltrack.reports.ad_groups import ad_group_names, same_words
from calltrack.reports.overview import Overview
from calltrack.stages.segment_calls import calls_within
from calltrack.stages.segments import segment_names, within_segment
from calltrack.wiring import Services

FIELDS = (
    "outcome", "source", "medium", "campaign", "location", "number", "brought", "period", "since", "until",
    "caller", "tag", "work", "assignee", "keyword", "ad_group", "landing_page", "hour",
    "segment",
)  # fmt: skip
A_PAGE = 50
HOURS_OF_WEEK = 168


@page("/calls", "viewer")
def calls(services: Services, here: Here) -> ResponseReturnValue:
    """Show the calls that fit the filters in the address, newest first."""
    asked = {name: request.args.get(name, "").strip() for name in FIELDS}
    problem, found, counted, ad_group = "", None, Levels(), ""
    with services.db.tenant(here.company.id) as session:
        try:
            wanted, after = read_filter(request.args, here), request.args.get("after", "")
            if asked["segment"]:
                segment_id = parse_id(asked["segment"])
                within = within_segment(session, here.company.id, segment_id, here.now)
                wanted = replace(wanted, among=calls_within(within))
                asked["segment"] = segment_id.hex
            place = Place.from_text(after) if after else None
            if wanted.ad_group:
                wanted, ad_group = _with_ad_group(session, here.company.id, wanted)
            found = find_calls(session, services.vault, here.company.id, wanted, place, A_PAGE)
            counted = _levels(session, services, here, wanted)
            asked |= _as_choices(wanted)
        except (BadInput, NotFound) as refused:
            problem = str(refused)
        branches = locations(session, here.company.id)
        lines = named(session, here.company.id)
        in_segments = segment_names(session, here.company.id)
        known_tags, people = tag_choices(session, here.company.id), members(session, here.company.id)
    used = {name: value for name, value in asked.items() if value}
    return render_template(
        "calls.html",
        found=found,
        levels=counted,
        ad_group=ad_group,
        metrics=METRICS,
        problem=problem,
        asked=asked,
        used=used,
        is_first=not request.args.get("after"),
        outcomes=OUTCOMES,
        periods=NAMES,
        locations=branches,
        numbers=lines,
        segments=in_segments,
        tags=known_tags,
        statuses=STATUSES,
        members=people,
    ), 400 if problem else 200


def _levels(session: Session, services: Services, here: Here, wanted: CallFilter) -> Levels:
    """Count the calls per level; those of a whole period stand in counted days, however many they are."""
    if wanted.since is None or wanted != CallFilter(since=wanted.since, until=wanted.until):
        return levels(session, services.vault, here.company.id, wanted)
    of = here.company
    figures = Overview(session, services.vault, of.id, of.currency, of.timezone)
    return figures.totals(Span(wanted.since, wanted.until or here.now))[1]


def read_filter(args: MultiDict[str, str], here: Here) -> CallFilter:
    """Read the filters of an address; raises BadInput with what to change."""
    zone, country = here.company.timezone, here.company.country
    since, until = day_span(args.get("since", ""), args.get("until", ""), zone)
    if (name := args.get("period", "")) in NAMES and not since:
        since = period(name, here.now, zone).span.since
    caller = args.get("caller", "").strip()
    return CallFilter(
        since=since,
        until=until,
        outcome=args.get("outcome", ""),
        source=args.get("source", "").strip().lower(),
        medium=args.get("medium", "").strip().lower(),
        campaign=args.get("campaign", "").strip(),
        keyword=args.get("keyword", "").strip(),
        ad_group=args.get("ad_group", "").strip(),
        landing_page=args.get("landing_page", "").strip(),
        hour=_hour(args.get("hour", "")),
        location_id=_id(args.get("location", "")),
        number_id=_id(args.get("number", "")),
        brought=args.get("brought", ""),
        tag=_id(args.get("tag", "")),
        work=args.get("work", ""),
        assignee=_id(args.get("assignee", "")),
        caller=to_e164(caller, country) if caller else "",
    )


def _with_ad_group(session: Session, company_id: UUID, wanted: CallFilter) -> tuple[CallFilter, str]:
    """Return the filter with all words of its ad group, as reports count them, and the ad group's name."""
    own, *others = same_words(session, company_id, "ad_group", wanted.ad_group)
    name = ad_group_names(session, company_id, [own]).get(own, own)
    return replace(wanted, ad_group_words=tuple(others)), name


def _as_choices(wanted: CallFilter) -> dict[str, str]:
    """Return the ids of a filter as the choices of the form spell them, however the address wrote them."""
    ids = {"location": wanted.location_id, "number": wanted.number_id, "tag": wanted.tag,
           "assignee": wanted.assignee}  # fmt: skip
    return {name: id_.hex if id_ else "" for name, id_ in ids.items()}


def _hour(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or len(text) > 3 or int(text) >= HOURS_OF_WEEK:
        raise BadInput("An hour of the week is 0 (Monday from midnight) to 167.")
    return int(text)


def _id(text: str) -> UUID | None:
    return parse_id(text) if text else None
