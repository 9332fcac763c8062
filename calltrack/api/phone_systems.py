"""Telephone systems that ask for a user and a password before they take a call."""

from datetime import datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel, Field

from calltrack.accounts.sip_logins import SipLoginRow, drop_sip_login, keep_sip_login, read_host, sip_logins
from calltrack.api.access import needs
from calltrack.wiring import Services


class LoginGiven(BaseModel):
    """What a host asks for."""

    username: Annotated[str, Field(max_length=128)]
    password: Annotated[str, Field(max_length=128, description="Left out: the stored one stays.")] = ""


class LoginShape(BaseModel):
    """A host that has a login here; its password is never told."""

    host: Annotated[str, Field(description="What stands after the @ of its SIP addresses.")]
    username: str
    changed_by: str
    changed_at: datetime


class LoginList(BaseModel):
    """Every telephone system with a login."""

    phone_systems: list[LoginShape]


def phone_systems_of(services: Services) -> APIBlueprint:
    """Return the routes."""
    blueprint = APIBlueprint(
        "api_phone_systems", __name__, url_prefix="/api/v1/phone-systems", tag="Phone systems"
    )

    @blueprint.get("")
    @needs(services, "owner")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(LoginList)
    def list_phone_systems() -> dict[str, Any]:
        """List the telephone systems that have a login."""
        with services.db.tenant(g.asker.company_id) as session:
            return {"phone_systems": [_shape(row) for row in sip_logins(session, g.asker.company_id)]}

    @blueprint.put("/<host>")
    @needs(services, "owner")
    @blueprint.doc(security="ApiKey", responses=[400, 409])
    @blueprint.input(LoginGiven, arg_name="given")
    @blueprint.output(LoginShape)
    def put_phone_system(host: str, given: LoginGiven) -> dict[str, Any]:
        """Store what a host asks for; phones follow within 15 seconds."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            keep_sip_login(
                session, services.vault, company_id, host, given.username, given.password, services.clock(),
                by=g.asker.name,
            )  # fmt: skip
            rows = sip_logins(session, company_id)
        return _shape(next(row for row in rows if row.host == read_host(host)))

    @blueprint.delete("/<host>")
    @needs(services, "owner")
    @blueprint.doc(security="ApiKey", responses=[404])
    def delete_phone_system(host: str) -> tuple[str, int]:
        """Forget what a host asks for."""
        with services.db.tenant(g.asker.company_id) as session:
            drop_sip_login(session, g.asker.company_id, host, services.clock(), by=g.asker.name)
        return "", 204

    return blueprint


def _shape(row: SipLoginRow) -> dict[str, Any]:
    return {
        "host": row.host,
        "username": row.username,
        "changed_by": row.changed_by,
        "changed_at": row.changed_at,
    }
