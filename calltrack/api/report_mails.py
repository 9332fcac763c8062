"""Reports by e-mail, by API."""

from datetime import datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel, Field

from calltrack.api.access import needs
from calltrack.kernel.ids import parse_id
from calltrack.reports.dimensions import DIMENSIONS
from calltrack.reports.mail_rules import EVERY, FILTERS
from calltrack.reports.mails import MailRow, WantedMail, add_mail, mails, stop_mail
from calltrack.wiring import Services

HOUR = "Of the company's day, 0 to 23."


class NewReportMail(BaseModel):
    """A report somebody shall get."""

    email: Annotated[str, Field(max_length=254)]
    dimension: Annotated[str, Field(description=f"One of {', '.join(DIMENSIONS)}.")] = "campaign"
    every: Annotated[str, Field(description=f"One of {', '.join(EVERY)}.")] = "week"
    hour: Annotated[int, Field(ge=0, le=23, description=HOUR)] = 7
    filters: Annotated[
        dict[str, str], Field(description=f"By {', '.join(FILTERS)}; as the report itself takes them.")
    ] = Field(default_factory=dict)


class ReportMailShape(BaseModel):
    """A report somebody gets, and what came of the last one."""

    id: str
    email: Annotated[str, Field(description="Empty once it has ended.")]
    dimension: str
    every: str
    hour: Annotated[int, Field(description=HOUR)]
    filters: dict[str, str]
    made_by: str
    due_at: datetime
    sent_at: datetime | None
    said: Annotated[str, Field(description="Why the last one was not sent; empty if it was.")]
    stopped_at: datetime | None
    stopped_by: str


class ReportMailList(BaseModel):
    """All reports by e-mail: running ones first, then the last ended ones."""

    mails: list[ReportMailShape]


def report_mails_of(services: Services) -> APIBlueprint:
    """Return the routes of reports by e-mail."""
    blueprint = APIBlueprint("api_report_mails", __name__, url_prefix="/api/v1/report-mails", tag="Reports")

    def all_mails() -> tuple[MailRow, ...]:
        with services.db.tenant(g.asker.company_id) as session:
            return mails(session, services.vault, g.asker.company_id)

    @blueprint.get("")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(ReportMailList)
    def list_report_mails() -> dict[str, Any]:
        """List who gets which report by e-mail."""
        return {"mails": [_shape(row) for row in all_mails()]}

    @blueprint.post("")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[409])
    @blueprint.input(NewReportMail, arg_name="wanted")
    @blueprint.output(ReportMailShape, status_code=201)
    def add_report_mail(wanted: NewReportMail) -> dict[str, Any]:
        """Let somebody get a report by e-mail; the addressee can end it by a link in each."""
        asked = WantedMail(wanted.email, wanted.dimension, wanted.every, str(wanted.hour), wanted.filters)
        with services.db.tenant(g.asker.company_id) as session:
            id_ = add_mail(
                session, services.vault, g.asker.company_id, asked, services.clock(), by=g.asker.name
            )
        return next(_shape(row) for row in all_mails() if row.id == id_)

    @blueprint.delete("/<mail_id>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output({}, status_code=204)
    def end_report_mail(mail_id: str) -> str:
        """End a report by e-mail and forget its address; again changes nothing."""
        with services.db.tenant(g.asker.company_id) as session:
            stop_mail(
                session, services.vault, g.asker.company_id, parse_id(mail_id), services.clock(),
                by=g.asker.name,
            )  # fmt: skip
        return ""

    return blueprint


def _shape(row: MailRow) -> dict[str, Any]:
    return vars(row) | {"id": row.id.hex}
