"""What must be known before buying: the account, addresses, bundles, regulations, prices."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, request

from calltrack.sandbox.carrier_rest.answers import as_json, meta_page, missing, page
from calltrack.sandbox.carrier_rest.desk import Desk
from calltrack.sandbox.carrier_rest.records import Record, new_sid, rfc_2822
from calltrack.sandbox.carrier_rest.stock import AREAS, RULES, rule

NUMBERS = "https://numbers.twilio.com/v2/RegulatoryCompliance"
PRICING = "https://pricing.twilio.com/v1/PhoneNumbers/Countries"
WORDS = {"toll_free": "toll-free"}


def add(pages: Blueprint, desk: Desk) -> None:
    """Add account, papers and prices to the twin."""
    _add_account(pages, desk)
    _add_papers(pages, desk)
    _add_prices(pages, desk)


def _add_account(pages: Blueprint, desk: Desk) -> None:
    @pages.get("/2010-04-01/Accounts/<account>.json")
    @desk.answers("rules")
    def shown_account(account: str) -> Response:
        """Show the account."""
        now = rfc_2822(datetime.now(UTC))
        return as_json(
            {
                "sid": account,
                "friendly_name": "Sandbox carrier",
                "status": "active",
                "type": "Full",
                "owner_account_sid": account,
                "date_created": now,
                "date_updated": now,
                "uri": f"/2010-04-01/Accounts/{account}.json",
            }
        )

    @pages.get("/2010-04-01/Accounts/<account>/Addresses.json")
    @desk.answers("rules")
    def addresses(account: str) -> Response:
        """List the account's addresses."""
        papers_of(desk, account)
        rows = [row for row in desk.records.all("address") if row["account_sid"] == account]
        return page("addresses", rows, f"/2010-04-01/Accounts/{account}/Addresses.json")


def _add_papers(pages: Blueprint, desk: Desk) -> None:
    @pages.get("/v2/RegulatoryCompliance/Regulations")
    @desk.answers("rules")
    def regulations() -> Response:
        """List what the law asks, for each kind of end user."""
        country, word = request.args.get("IsoCountry", ""), request.args.get("NumberType", "")
        rows = [
            _regulation(land, type_, end_user)
            for (land, type_), law in RULES.items()
            if law.bundle
            and (not country or land == country)
            and (not word or WORDS.get(type_, type_) == word)
            for end_user in ("business", "individual")
        ]
        return meta_page("results", rows, f"{NUMBERS}/Regulations")

    @pages.get("/v2/RegulatoryCompliance/Bundles")
    @desk.answers("rules")
    def bundles() -> Response:
        """List the account's bundles."""
        account = (request.authorization.username if request.authorization else "") or ""
        papers_of(desk, account)
        country, word = request.args.get("IsoCountry", ""), request.args.get("NumberType", "")
        rows = [
            row
            for row in desk.records.all("bundle")
            if row["account_sid"] == account
            and (not country or row["_country"] == country)
            and (not word or WORDS.get(row["_type"], row["_type"]) == word)
            and request.args.get("Status", row["status"]) == row["status"]
        ]
        return meta_page("results", rows, f"{NUMBERS}/Bundles")


def _add_prices(pages: Blueprint, desk: Desk) -> None:
    @pages.get("/v1/PhoneNumbers/Countries/<country>")
    @desk.answers("rules")
    def prices(country: str) -> Response:
        """Show a country's monthly rents."""
        types = list(dict.fromkeys(area.type for area in AREAS if area.country == country))
        if not types:
            raise missing(f"/v1/PhoneNumbers/Countries/{country}")
        rows = [
            {
                "number_type": type_.replace("_", " "),
                "base_price": rule(country, type_).monthly,
                "current_price": rule(country, type_).monthly,
            }
            for type_ in types
        ]
        return as_json(
            {
                "country": country,
                "iso_country": country,
                "phone_number_prices": rows,
                "price_unit": "USD",
                "url": f"{PRICING}/{country}",
            }
        )


def papers_of(desk: Desk, account: str) -> None:
    """Give an account the papers of a mover in Rome, once: a demo must be able to buy a number there."""
    with desk.records.lock:
        if any(row["account_sid"] == account for row in desk.records.all("address")):
            return
        address = _address(account, "Via Cavour 101", "Roma", "00184", "IT")
        desk.records.put("address", address["sid"], address)
        for type_ in ("local", "mobile", "toll_free"):
            bundle = _bundle(account, "IT", type_, "twilio-approved")
            desk.records.put("bundle", bundle["sid"], bundle)
        waiting = _bundle(account, "DE", "local", "in-review")
        desk.records.put("bundle", waiting["sid"], waiting)


def _address(account: str, street: str, city: str, postal_code: str, country: str) -> Record:
    sid, now = new_sid("AD"), rfc_2822(datetime.now(UTC))
    return {
        "account_sid": account,
        "city": city,
        "customer_name": "Rossi Traslochi",
        "date_created": now,
        "date_updated": now,
        "emergency_enabled": False,
        "friendly_name": f"Office {city}",
        "iso_country": country,
        "postal_code": postal_code,
        "region": city,
        "sid": sid,
        "street": street,
        "street_secondary": None,
        "uri": f"/2010-04-01/Accounts/{account}/Addresses/{sid}.json",
        "validated": True,
        "verified": True,
    }


def _bundle(account: str, country: str, type_: str, status: str) -> Record:
    sid, now = new_sid("BU"), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "sid": sid,
        "account_sid": account,
        "regulation_sid": _regulation_sid(country, type_, "business"),
        "friendly_name": f"{country} {WORDS.get(type_, type_)} business",
        "status": status,
        "valid_until": None,
        "email": "office@mover.example",
        "status_callback": None,
        "date_created": now,
        "date_updated": now,
        "url": f"{NUMBERS}/Bundles/{sid}",
        "links": {},
        "_country": country,
        "_type": type_,
    }


def _regulation_sid(country: str, type_: str, end_user: str) -> str:
    return "RN" + f"{country}{type_}{end_user}".encode().hex()[:32].ljust(32, "0")


def _regulation(country: str, type_: str, end_user: str) -> Record:
    sid = _regulation_sid(country, type_, end_user)
    local = rule(country, type_).address == "local"
    papers: list[Any] = [
        {
            "name": "Proof of identity" if end_user == "individual" else "Proof of business",
            "requirement_name": "identity_info",
            "accepted_documents": [
                {"name": "Passport", "type": "passport"}
                if end_user == "individual"
                else {"name": "Excerpt from the commercial register", "type": "commercial_registrar_excerpt"}
            ],
        },
        {
            "name": "Address in the area of the prefix" if local else "Address",
            "requirement_name": "address_info",
            "accepted_documents": [{"name": "Utility bill", "type": "utility_bill"}],
        },
    ]
    return {
        "sid": sid,
        "friendly_name": f"{country}: {WORDS.get(type_, type_)} - {end_user}",
        "iso_country": country,
        "number_type": WORDS.get(type_, type_),
        "end_user_type": end_user,
        "requirements": {
            "end_user": [{"name": end_user.title(), "type": end_user, "fields": ["first_name", "last_name"]}],
            "supporting_document": [papers],
        },
        "url": f"{NUMBERS}/Regulations/{sid}",
    }
