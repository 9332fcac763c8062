"""What advertising cost: sums, accounts that are read, matches with visits, typed costs."""

from typing import Any

from apiflask import APIBlueprint
from flask import g, request
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.api.access import needs
from calltrack.api.idempotency import once
from calltrack.api.spend_shapes import (
    AccountList,
    AccountShape,
    EntryList,
    EntryShape,
    MatchList,
    NewAccount,
    NewEntry,
    NewMatch,
    SpendList,
    SpendQuery,
    account_shape,
    entry_shape,
    key_of,
    match_shape,
    spend_row,
    words_shape,
)
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.ids import parse_id
from calltrack.kernel.money import parse_money
from calltrack.spend import accounts, page_queries, queries
from calltrack.spend.entries import add_entry, remove_entry
from calltrack.spend.matching import match_by_hand
from calltrack.spend.rules import read_days
from calltrack.wiring import Services

LONGEST_STRETCH = 800
MOST_ROWS = 50_000


def spend_of(services: Services) -> APIBlueprint:
    """Return the routes of spend."""
    blueprint = APIBlueprint("api_spend", __name__, url_prefix="/api/v1/spend", tag="Spend")
    _add_sums(blueprint, services)
    _add_accounts(blueprint, services)
    _add_matches(blueprint, services)
    _add_entries(blueprint, services)
    return blueprint


def _add_sums(blueprint: APIBlueprint, services: Services) -> None:
    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.input(SpendQuery, location="query", arg_name="wanted")
    @blueprint.output(SpendList)
    def read_spend(wanted: SpendQuery) -> dict[str, Any]:
        """Read what was spent: by campaign, day, week, ad group or keyword."""
        first, last, company_id = wanted.first_day, wanted.last_day, g.asker.company_id
        if last < first or (last - first).days >= LONGEST_STRETCH:
            raise BadInput(f"Ask for 1 to {LONGEST_STRETCH} days, the first one first.")
        with services.db.tenant(company_id) as session:
            rows: tuple[Any, ...]
            if wanted.by in ("ad_group", "keyword"):
                is_keyword = wanted.by == "keyword"
                rows = queries.spend_by_part(
                    session, company_id, first, last, keywords=is_keyword, most=MOST_ROWS + 1
                )
            elif wanted.by == "campaign":
                rows = queries.spend_by_campaign(session, company_id, first, last)
            elif wanted.by == "day":
                rows = queries.spend_by_day(session, company_id, first, last, most=MOST_ROWS + 1)
            else:
                rows = queries.spend_by_week(session, company_id, first, last)
            currency = session.get_one(Company, company_id).currency
        if len(rows) > MOST_ROWS:
            raise BadInput(f"That is more than {MOST_ROWS:,} rows; ask for fewer days at once.")
        return {"currency": currency, "rows": [spend_row(row) for row in rows]}


def _add_accounts(blueprint: APIBlueprint, services: Services) -> None:
    def shown(session: Session, account_id: Any) -> dict[str, Any]:
        rows = page_queries.accounts(session, g.asker.company_id, services.clock())
        found = next((row for row in rows if row.id == account_id), None)
        if found is None:
            raise NotFound("There is no such account of spend.")
        return account_shape(found)

    @blueprint.get("/accounts")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(AccountList)
    def list_spend_accounts() -> dict[str, Any]:
        """List the accounts that spend comes from."""
        with services.db.tenant(g.asker.company_id) as session:
            rows = page_queries.accounts(session, g.asker.company_id, services.clock())
        return {"accounts": [account_shape(row) for row in rows]}

    @blueprint.post("/accounts")
    @needs(services, "owner")
    @blueprint.doc(security="ApiKey", responses=[404, 409])
    @blueprint.input(NewAccount, arg_name="wanted")
    @blueprint.output(AccountShape, status_code=201)
    def connect_spend_account(wanted: NewAccount) -> dict[str, Any]:
        """Read an ad account from now on by a destination's access."""
        company_id, now = g.asker.company_id, services.clock()
        with services.db.tenant(company_id) as session:
            id_ = accounts.connect(
                session, services.vault, company_id, wanted.destination_id, wanted.number,
                wanted.back_days, g.asker.name, now,
            )  # fmt: skip
            found = shown(session, id_)
        services.nudges.wake("read_spend", str(company_id), str(id_))
        return found

    @blueprint.post("/accounts/<account_id>/read")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 409])
    @blueprint.output(AccountShape, status_code=202)
    def read_spend_account(account_id: str) -> dict[str, Any]:
        """Look at an account at once; a worker does so."""
        company_id, id_ = g.asker.company_id, parse_id(account_id)
        with services.db.tenant(company_id) as session:
            accounts.read_now(session, company_id, id_, g.asker.name, services.clock())
            found = shown(session, id_)
        services.nudges.wake("read_spend", str(company_id), str(id_))
        return found

    @blueprint.post("/accounts/<account_id>/stop")
    @needs(services, "owner")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(AccountShape)
    def stop_spend_account(account_id: str) -> dict[str, Any]:
        """Read an account no more; what was read stays."""
        company_id, id_ = g.asker.company_id, parse_id(account_id)
        with services.db.tenant(company_id) as session:
            accounts.stop(session, company_id, id_, g.asker.name, services.clock())
            return shown(session, id_)


def _add_matches(blueprint: APIBlueprint, services: Services) -> None:
    def both(session: Session) -> dict[str, Any]:
        found = page_queries.matches(session, g.asker.company_id, services.clock())
        return {
            "campaigns": [match_shape(row) for row in found.campaigns],
            "without_spend": [
                {"visits": words_shape(row.campaign_key), "count": row.visits} for row in found.alone
            ],
        }

    @blueprint.get("/matches")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(MatchList)
    def list_matches() -> dict[str, Any]:
        """List which visits each campaign paid for, and what is unmatched on either side."""
        with services.db.tenant(g.asker.company_id) as session:
            return both(session)

    @blueprint.post("/campaigns/<campaign_id>/match")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.input(NewMatch, arg_name="wanted")
    @blueprint.output(MatchList)
    def match_campaign(campaign_id: str, wanted: NewMatch) -> dict[str, Any]:
        """Say which visits a campaign paid for; a person's word stays until it is taken back."""
        key = None if wanted.visits is None else key_of(wanted.visits)
        with services.db.tenant(g.asker.company_id) as session:
            match_by_hand(
                session, g.asker.company_id, parse_id(campaign_id), key, g.asker.name, services.clock()
            )
            return both(session)


def _add_entries(blueprint: APIBlueprint, services: Services) -> None:
    @blueprint.get("/entries")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(EntryList)
    def list_entries() -> dict[str, Any]:
        """List the costs people typed for offline media."""
        with services.db.tenant(g.asker.company_id) as session:
            rows = page_queries.entries(session, g.asker.company_id)
        return {"entries": [entry_shape(row) for row in rows]}

    @blueprint.post("/entries")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[409])
    @blueprint.input(NewEntry, arg_name="wanted")
    @blueprint.output(EntryShape, status_code=201)
    def add_spend_entry(wanted: NewEntry) -> tuple[dict[str, Any], int]:
        """Add a cost of an offline medium; it is spread over its days to the minor unit."""
        company_id, now = g.asker.company_id, services.clock()
        cost = parse_money(wanted.cost, wanted.currency)
        days = read_days(wanted.first_day, wanted.last_day)
        with services.db.tenant(company_id) as session:

            def act() -> tuple[int, dict[str, Any]]:
                id_ = add_entry(
                    session, company_id, wanted.name, key_of(wanted.visits), days, cost, wanted.note,
                    g.asker.name, now,
                )  # fmt: skip
                made = entry_shape(page_queries.entry(session, company_id, id_))
                return 201, {**made, "first_day": str(days.first), "last_day": str(days.last)}

            key = request.headers.get("Idempotency-Key")
            status, answer = once(session, company_id, key, request.get_data(), now, act)
        return answer, status

    @blueprint.delete("/entries/<entry_id>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    def remove_spend_entry(entry_id: str) -> tuple[str, int]:
        """Take a typed cost back."""
        with services.db.tenant(g.asker.company_id) as session:
            remove_entry(session, g.asker.company_id, parse_id(entry_id), g.asker.name, services.clock())
        return "", 204
