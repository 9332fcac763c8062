"""The list of changes in words: what somebody did, and the page of what it was done to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from flask import url_for

from calltrack.accounts.queries import AuditRow
from calltrack.kernel.errors import BadInput
from calltrack.kernel.ids import parse_id
from calltrack.kernel.phone import pretty

DID: Final = {
    "api_key.add": "made an API key",
    "api_key.revoke": "took an API key back",
    "application.corrected": "corrected the application at the carrier",
    "attribution.judge_anew": "asked to judge past calls anew",
    "attribution.judged_anew": "judged past calls anew",
    "attribution.judging_stopped": "stopped judging past calls anew",
    "attribution_model.pin": "pinned a version of the attribution model",
    "attribution_model.serve": "brought back a version of the attribution model",
    "attribution_model.unpin": "unpinned a version of the attribution model",
    "audience.changed": "changed an audience",
    "audience.created": "made an audience",
    "audience.delete_asked": "asked to delete an audience",
    "audience.deleted": "deleted an audience",
    "audience.list_connected": "connected a list of an audience",
    "audience.list_left": "left a list of an audience",
    "audience.list_paused": "paused a list of an audience",
    "audience.list_resumed": "let a list of an audience go on",
    "audience.paused": "paused an audience",
    "audience.resumed": "let an audience go on",
    "budget.confirmed": "confirmed new budgets at an ad account",
    "budget.done": "saw new budgets carried out",
    "budget.failed": "saw new budgets refused, or not arrived",
    "budget.limits": "changed what budget advice has to keep to",
    "budget.pace_add": "let a monthly budget be watched",
    "budget.pace_change": "changed a monthly budget",
    "budget.pace_remove": "let a monthly budget be watched no more",
    "budget.test_begin": "planned an on/off test",
    "budget.test_remove": "removed an on/off test",
    "budget.test_stop": "ended an on/off test",
    "call.back": "rang a caller back",
    "call.no_spam": "said that a call was real",
    "call.note": "wrote a note",
    "call.outcome": "said what a call brought",
    "call.spam": "marked a call as nuisance",
    "call.tags": "tagged a call",
    "call.work": "changed who deals with a call, or how far it is",
    "call_flow.assigned": "assigned a call flow",
    "call_flow.created": "made a call flow",
    "call_flow.deleted": "deleted a call flow",
    "call_flow.phones": "let a call flow ring new phones",
    "call_flow.renamed": "renamed a call flow",
    "call_flow.saved": "published a call flow",
    "call_flow.unassigned": "took a call flow away from a place",
    "caller.block": "refused a caller",
    "caller.unblock": "took a caller off the block list",
    "callers.forget": "forgot the callers of old calls",
    "carrier.change": "changed the carrier account",
    "carrier.connect": "connected the carrier account",
    "company.settings": "changed the settings of the company",
    "delivery.exported": "exported deliveries",
    "credit.exported": "exported credit over many touches",
    "segment.told_again": "sent a segment's webhook again what was given up",
    "journeys.exported": "exported a view over journeys",
    "delivery.replayed": "sent a delivery again",
    "delivery.settled": "settled a delivery by hand",
    "destination.changed": "changed a destination",
    "destination.connected": "connected a destination",
    "destination.paused": "paused a destination",
    "destination.removed": "removed a destination",
    "destination.resumed": "let a destination go on",
    "destination.secret_rotated": "changed the secret of a destination",
    "destination.signed_in": "signed in at a destination",
    "follow_up.change": "changed the follow-up",
    "location.add": "added a location",
    "location.change": "changed a location",
    "location.contact": "changed where a location is written to",
    "member.add": "added a user",
    "member.change": "changed a user",
    "message.write": "wrote a text message",
    "messages.start": "wants messages again (START)",
    "messages.stop": "asked for no more messages (STOP)",
    "missed_call.close": "said that a missed call is dealt with",
    "missed_call.reopen": "said that a missed call waits again",
    "notice.dismissed": "dismissed a notice",
    "number.add": "added a number",
    "number.bought": "bought a number",
    "number.given_back": "gave a number back",
    "number.hooks": "changed which addresses the carrier asks about a number",
    "number.import": "took a number into service",
    "number.keep": "kept a number after all",
    "number.leave": "asked to give a number back",
    "number.move": "changed what a number is for",
    "number.order": "ordered a number",
    "number.release": "released a number",
    "number.repair": "repaired a number",
    "outcome.dismiss": "set an outcome aside",
    "outcome.forget": "forgot outcomes without a call",
    "outcome.match": "matched an outcome",
    "outcome_door.close": "closed the address for the CRM",
    "outcome_door.links": "made all one-click links useless",
    "outcome_door.mapping": "changed how the CRM is read",
    "outcome_door.open": "opened the address for the CRM",
    "outcome_import.apply": "applied a file of outcomes",
    "outcome_import.remove": "removed a file of outcomes",
    "outcome_import.upload": "uploaded a file of outcomes",
    "outcome_link.make": "made a one-click link",
    "own_phone.confirm": "confirmed the own phone",
    "own_phone.give": "gave the own phone",
    "person.apart": "said that two persons are two",
    "person.erase": "asked to erase a person",
    "person.erased": "erased a person",
    "person.export": "exported persons",
    "person.join": "joined two persons",
    "person.part": "took two joined persons apart",
    "person_rules.part": "took apart whom a version of the rules joined",
    "person_rules.save": "changed the rules that join persons",
    "pool.add": "made a pool",
    "pool.change": "changed a pool",
    "protection.change": "changed the protection",
    "recording.delete": "deleted a recording",
    "recording.heard": "heard a recording",
    "recording.pause": "paused a recording",
    "recording.resume": "let a recording go on",
    "report_mail.add": "let somebody get a report by e-mail",
    "report_mail.end": "ended a report by e-mail",
    "rules.saved": "changed the rules",
    "score.save": "changed the rules of the lead score",
    "segment.change": "changed a segment",
    "segment.delete": "deleted a segment",
    "segment.make": "made a segment",
    "sip_login.drop": "dropped the login of a telephone system",
    "sip_login.keep": "kept the login of a telephone system",
    "site.add": "added a website",
    "site.change": "changed a website",
    "sound.add": "uploaded a sound file",
    "sound.remove": "deleted a sound file",
    "stages.save": "changed the rules of the stages",
    "tag.make": "made a tag",
    "tag.merge": "merged a tag into another",
    "tag.rename": "renamed a tag",
    "spend.connected": "had an ad account's spend read",
    "spend.entry_added": "added a cost",
    "spend.entry_removed": "took a cost back",
    "spend.file_applied": "applied a file of spend",
    "spend.file_removed": "removed a file of spend",
    "spend.file_uploaded": "uploaded a file of spend",
    "spend.matched": "matched a campaign by hand",
    "spend.rates_stored": "stored rates of currencies",
    "spend.rate_removed": "removed a rate of a currency",
    "spend.read_now": "had spend read at once",
    "spend.stopped": "stopped reading an account's spend",
    "target.add": "let a number on the website be replaced",
    "target.remove": "left a number on the website alone",
}
# Of which page the subject's id is, by the first word of the action.
PAGES: Final = {
    "call": ("call", "call_id", "the call"),
    "missed_call": ("call", "call_id", "the call"),
    "outcome_link": ("call", "call_id", "the call"),
    "call_flow": ("flow", "flow_id", "the call flow"),
    "audience": ("audience", "audience_id", "the audience"),
    "destination": ("destination", "destination_id", "the destination"),
    "delivery": ("delivery", "delivery_id", "the delivery"),
}
GONE: Final = ("audience.deleted", "call_flow.deleted", "destination.removed")


@dataclass(frozen=True)
class Change:
    """A line of the list: who did what to what; `url` leads to it where it has a page."""

    id: UUID
    at: datetime
    actor: str
    did: str
    subject: str
    url: str


def in_words(row: AuditRow, company_id: UUID) -> Change:
    """Return a line of the audit trail as people read it."""
    did = DID.get(row.action, row.action.replace(".", ": ").replace("_", " "))
    kind, (subject, url) = row.action.partition(".")[0], (row.subject, "")
    if (id_ := _id(row.subject)) is not None:
        endpoint, name, words = PAGES.get(kind, ("", "", ""))
        subject = "" if row.action in GONE else words
        if subject:
            place: dict[str, Any] = {"company_id": company_id, name: id_}
            url = url_for(f"dashboard.{endpoint}", **place)
    elif row.subject.startswith("+") and row.subject[1:].isdecimal():
        subject = pretty(row.subject)
    elif kind == "recording":
        subject = ""
    return Change(row.id, row.at, row.actor, did, subject, url)


def _id(text: str) -> UUID | None:
    try:
        return parse_id(text)
    except BadInput:
        return None
