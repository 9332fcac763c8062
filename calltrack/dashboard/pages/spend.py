"""What advertising cost: accounts that are read, which visits campaigns paid for, rates of currencies."""

from datetime import date, timedelta
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts import audit
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.show import of_platform
from calltrack.dashboard.typed import typed
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import parse_id
from calltrack.kernel.origin import words_of
from calltrack.spend import accounts, currencies, page_queries, queries
from calltrack.spend.matching import match_by_hand
from calltrack.spend.platforms import SOURCES
from calltrack.spend.rate_files import read_rates
from calltrack.spend.rules import today_in
from calltrack.spend.tables import LARGEST_FILE
from calltrack.wiring import Services

SHOWN_DAYS = 30
# Each campaign has a list of words to choose from: both are cut, the dearest and the most visited stay.
SHOWN_CAMPAIGNS = 100
MOST_KEYS = 200
RATES_BACK = timedelta(days=3 * 366)
PLATFORMS = {one.name: one.label for one in SOURCES.values()} | {"file": "Files", "manual": "Offline media"}


@page("/budget/spend", "viewer")
def spend(services: Services, here: Here) -> ResponseReturnValue:
    """Show where spend comes from, how each account is, and what the last 30 days cost."""
    company_id = here.company.id
    last = today_in(here.company.timezone, here.now)
    first = last - timedelta(days=SHOWN_DAYS - 1)
    with services.db.tenant(company_id) as session:
        rows = page_queries.accounts(session, company_id, here.now)
        costs = queries.spend_by_campaign(session, company_id, first, last)
        changes = page_queries.changes(session, company_id, 20)
        ways = accounts.accesses(session, services.vault, company_id) if here.may("owner") else []
        both = page_queries.matches(session, company_id, here.now)
    return render_template(
        "spend.html", accounts=rows, costs=costs, changes=changes, ways=ways, first=first, last=last,
        platforms=PLATFORMS, unmatched=len(both.unmatched), words_of=words_of, of_platform=of_platform,
    )  # fmt: skip


@page("/budget/spend/accounts", "owner", ("POST",))
def connect_spend(services: Services, here: Here) -> ResponseReturnValue:
    """Read an ad account by the access of a destination."""
    form = typed("connect")
    try:
        destination_id = parse_id(form.text("destination"))
        back_days = form.whole("back_days")
        with services.db.tenant(here.company.id) as session:
            id_ = accounts.connect(
                session, services.vault, here.company.id, destination_id, form.text("number").strip(),
                back_days, here.who.email, here.now,
            )  # fmt: skip
    except (BadInput, Conflict, NotFound) as problem:
        flash(f"Not connected. {problem}")
        return _to(here, "spend")
    services.nudges.wake("read_spend", str(here.company.id), str(id_))
    flash("Connected. The first look has begun; it may take a few minutes.")
    return _to(here, "spend")


@page("/budget/spend/accounts/<id:account_id>", "manager", ("POST",))
def change_spend(services: Services, here: Here, account_id: UUID) -> ResponseReturnValue:
    """Look at an account at once, or read it no more."""
    wish = request.form.get("do", "")
    try:
        with services.db.tenant(here.company.id) as session:
            if wish == "read":
                accounts.read_now(session, here.company.id, account_id, here.who.email, here.now)
            elif wish == "stop" and here.may("owner"):
                accounts.stop(session, here.company.id, account_id, here.who.email, here.now)
            else:
                raise BadInput("Choose one of the buttons; only owners stop an account.")
    except (BadInput, Conflict) as problem:
        flash(str(problem))
        return _to(here, "spend")
    if wish == "read":
        services.nudges.wake("read_spend", str(here.company.id), str(account_id))
    flash("It is being read." if wish == "read" else "Stopped. What was read stays.")
    return _to(here, "spend")


@page("/budget/spend/keywords", "viewer")
def spend_keywords(services: Services, here: Here) -> ResponseReturnValue:
    """Show which keywords, or ad groups, cost most in the last 30 days."""
    by = "ad_group" if request.args.get("by") == "ad_group" else "keyword"
    last = today_in(here.company.timezone, here.now)
    first = last - timedelta(days=SHOWN_DAYS - 1)
    with services.db.tenant(here.company.id) as session:
        rows = queries.spend_by_part(
            session, here.company.id, first, last, keywords=by == "keyword", most=SHOWN_CAMPAIGNS
        )
    return render_template(
        "spend_keywords.html", rows=rows, by=by, first=first, last=last, most=SHOWN_CAMPAIGNS
    )


@page("/budget/spend/matching", "viewer")
def spend_matching(services: Services, here: Here) -> ResponseReturnValue:
    """Show which visits each campaign paid for, and what is unmatched on either side."""
    with services.db.tenant(here.company.id) as session:
        both = page_queries.matches(session, here.company.id, here.now)
        statics = page_queries.static_keys(session, here.company.id)
    unmatched = both.unmatched[:SHOWN_CAMPAIGNS]
    lost = {row.id for row in both.unmatched}
    matched = [row for row in both.campaigns if row.id not in lost]
    shown = {row.campaign_key for row in matched[:SHOWN_CAMPAIGNS] if row.campaign_key}
    busiest = sorted(both.keys, key=lambda key: (-both.keys[key], key))[:MOST_KEYS]
    known = sorted({*busiest, *shown, *(row.campaign_key for row in statics)}, key=words_of)
    return render_template(
        "spend_matching.html", both=both, unmatched=unmatched, matched=matched[:SHOWN_CAMPAIGNS],
        matched_count=len(matched), keys=known, words_of=words_of, platforms=PLATFORMS,
    )  # fmt: skip


@page("/budget/spend/matching/<id:campaign_id>", "manager", ("POST",))
def match_spend(services: Services, here: Here, campaign_id: UUID) -> ResponseReturnValue:
    """Say which visits a campaign paid for."""
    chosen = request.form.get("key", "rule")
    key = None if chosen == "rule" else "" if chosen == "none" else chosen
    try:
        with services.db.tenant(here.company.id) as session:
            match_by_hand(session, here.company.id, campaign_id, key, here.who.email, here.now)
    except BadInput as problem:
        flash(f"Not matched. {problem}")
        return _to(here, "spend_matching")
    flash("Matched by rule again." if key is None else "Matched. Reports follow at once.")
    return _to(here, "spend_matching")


@page("/budget/spend/currencies", "viewer")
def spend_currencies(services: Services, here: Here) -> ResponseReturnValue:
    """Show which rates there are, and which days lack one."""
    with services.db.tenant(here.company.id) as session:
        pairs = page_queries.pairs(session, here.company.id)
        needs = page_queries.needs(session, here.company.id)
    today = today_in(here.company.timezone, here.now)
    return render_template("spend_currencies.html", pairs=pairs, needs=needs, today=today)


@page("/budget/spend/currencies", "manager", ("POST",))
def add_spend_rates(services: Services, here: Here) -> ResponseReturnValue:
    """Store a typed rate or a table of rates; costs are converted again at once."""
    form, sent = typed("rate"), request.files.get("file")
    try:
        if sent is not None and sent.filename:
            content = sent.stream.read(LARGEST_FILE + 1)
            rows = read_rates(content, here.now.date() - RATES_BACK)
        else:
            rows = [
                currencies.read_rate(
                    form.text("base"), form.text("quote"), _day(form.text("day")), form.text("rate")
                )
            ]
        with services.db.tenant(here.company.id) as session:
            changed = currencies.set_rates(session, here.company.id, rows)
            told = f"{len(rows)} rates"
            audit.note(session, here.company.id, here.who.email, "spend.rates_stored", told, here.now)
    except BadInput as problem:
        flash(f"Not stored. {problem}")
        return _to(here, "spend_currencies")
    days = "1 cost was" if changed == 1 else f"{changed} costs were"
    flash(f"{len(rows)} rate{'' if len(rows) == 1 else 's'} stored; {days} converted anew.")
    return _to(here, "spend_currencies")


@page("/budget/spend/currencies/remove", "manager", ("POST",))
def remove_spend_rate(services: Services, here: Here) -> ResponseReturnValue:
    """Take a rate that was wrong out of the table; costs are converted again at once."""
    form = typed("rate")
    try:
        day = _day(form.text("day"))
        base, quote = currencies.read_pair(form.text("base"), form.text("quote"))
        with services.db.tenant(here.company.id) as session:
            currencies.forget_rate(session, here.company.id, base, quote, day)
            told = f"{base} in {quote}, {day}"
            audit.note(session, here.company.id, here.who.email, "spend.rate_removed", told, here.now)
    except (BadInput, NotFound) as problem:
        flash(f"Not removed. {problem}")
        return _to(here, "spend_currencies")
    flash("Rate removed; what it converted was converted anew, or lacks a rate now.")
    return _to(here, "spend_currencies")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise BadInput("Choose the day of the rate.") from None


def _to(here: Here, endpoint: str) -> ResponseReturnValue:
    return redirect(url_for(f"dashboard.{endpoint}", company_id=here.company.id), 303)
