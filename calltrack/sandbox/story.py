"""The story of the design, played against a running instance over public HTTP only.

A visitor clicks an ad, is shown a number, calls: a lead. She comes back, is shown the number of the branch in
the other town, calls and books: a purchase over EUR 850. Later she calls once more: loyalty, not a new lead.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from calltrack.sandbox.carrier import CallScript, SimulatedNumber, play
from calltrack.sandbox.demo_company import CONNECTED

PURCHASE_MINOR = 85_000
DONE_STATES = {"confirmed"}
# As browsers ask: whoever looks like a program waits for a sign of somebody.
AS_A_BROWSER = {
    "Content-Type": "text/plain",
    "Accept-Language": "it",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0 Safari/537.36",
}


@dataclass(frozen=True)
class Stage:
    """Where the story is played: a running instance and what a visitor and a carrier know of it."""

    base_url: str
    api_key: str
    auth_token: str
    site_key: str
    page_url: str
    # Business numbers written on the pages, first town and second town.
    targets: tuple[str, str]
    patience_seconds: float = 90
    destinations_expected: int = len(CONNECTED)


class StoryBroken(Exception):
    """A step did not come true; the text says which."""


@dataclass
class Report:
    """What happened, in the shape `calltrack simulate story --json` prints."""

    visits: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    conversions: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    seconds_total: float = 0.0
    failed: str | None = None


def play_story(stage: Stage, tell: Callable[[str], None]) -> Report:
    """Play every step; stops at the first that does not come true and says so in `failed`."""
    report, begun = Report(), time.monotonic()
    with httpx.Client(base_url=stage.base_url, timeout=20) as http:
        try:
            _Play(stage, http, report, tell).run()
        except httpx.ConnectError:
            report.failed = f"nothing answers at {stage.base_url}; start the demo with `make demo`"
        except (StoryBroken, httpx.HTTPError) as problem:
            report.failed = str(problem) or type(problem).__name__
    report.seconds_total = round(time.monotonic() - begun, 3)
    return report


class _Play:
    def __init__(self, stage: Stage, http: httpx.Client, report: Report, tell: Callable[[str], None]) -> None:
        self.stage, self.http, self.report, self.tell = stage, http, report, tell
        self.caller = f"+39347{uuid4().int % 10_000_000:07d}"
        self.numbers = {row["e164"]: row for row in self._get("/api/v1/numbers")["numbers"]}

    def run(self) -> None:
        first, second = self.stage.targets
        visitor, shown = self._visit("", f"Cj0KCQiA-{uuid4().hex}", "traslochi-roma", first)
        call = self._call(shown, 180)
        self._expect_attribution(call, 0)
        lead = self._expect_conversion(call, "lead")
        self._expect_deliveries(lead)
        self.tell("The call is a lead and reached every destination.")

        _, shown = self._visit(visitor, f"EAIaIQob-{uuid4().hex}", "traslochi-milano", second)
        call = self._call(shown, 240)
        self._expect_attribution(call, 1)
        self._set_purchase(call)
        purchase = self._expect_conversion(call, "purchase")
        self._expect_deliveries(purchase)
        self.tell("The second call is a purchase over EUR 850 and reached every destination.")

        call = self._call(shown, 120)
        self._expect_no_lead(call)
        self.tell("The third call is loyalty: no new lead.")
        self._expect_one_person()

    def _visit(self, visitor: str, gclid: str, campaign: str, target: str) -> tuple[str, str]:
        digits = target.lstrip("+")
        url = f"{self.stage.page_url}?gclid={gclid}&utm_source=google&utm_medium=cpc&utm_campaign={campaign}"
        body = {"k": self.stage.site_key, "v": visitor, "s": "", "u": url, "r": "https://www.google.com/",
                "t": "Traslochi", "c": {}, "m": {}, "p": [digits],
                "q": {"ad": True, "measure": True}}  # fmt: skip
        answer = self.http.post(
            "/v1/visit",
            json=body,
            headers={"Origin": self.stage.page_url.split("/demo")[0], **AS_A_BROWSER},
        )
        if answer.status_code != 200:
            raise StoryBroken(f"/v1/visit answered {answer.status_code}: {answer.text[:200]}")
        told = answer.json()
        shown = next((row["n"] for row in told["n"] if row["t"] == digits), None)
        if shown is None:
            raise StoryBroken(f"no tracking number was shown for {target}")
        self.report.visits.append({"id": told["s"], "gclid": gclid, "shown_number": f"+{shown}"})
        self.tell(f"A visitor with a Google click is shown +{shown} instead of {target}.")
        return told["v"], f"+{shown}"

    def _call(self, number: str, talk_seconds: int) -> dict[str, Any]:
        row = self.numbers.get(number)
        if row is None:
            raise StoryBroken(f"{number} is not among the company's numbers")
        simulated = SimulatedNumber(
            e164=number,
            voice_url=row["voice_url"],
            voice_fallback_url=row["voice_fallback_url"],
            status_callback=row["status_callback"],
            account_sid=row["account_sid"],
        )
        script = CallScript(
            from_=self.caller,
            to=number,
            outcome="answered",
            talk_seconds=talk_seconds,
            speed=0,
            timestamps="wall",
        )
        journal = play(script, simulated, self.stage.auth_token)
        if not journal.connected:
            raise StoryBroken(f"the call to {number} was not connected")
        self.tell(f"{self.caller} calls {number} and talks for {talk_seconds} s.")
        call: dict[str, Any] = self._await(
            f"call {journal.call_sid} to be logged and ended",
            f"/api/v1/calls?call_sid={journal.call_sid}",
            lambda answer: next((c for c in answer["calls"] if c["ended_at"]), None),
        )
        return call

    def _expect_attribution(self, call: dict[str, Any], visit: int) -> None:
        wanted = self.report.visits[visit]["id"]
        found = self._await(
            f"the call to be attributed to visit {wanted}",
            f"/api/v1/calls/{call['id']}",
            lambda answer: answer if (answer["attribution"] or {}).get("visit_id") == wanted else None,
        )
        self._write_call(found)

    def _write_call(self, call: dict[str, Any]) -> None:
        verdict = call["attribution"] or {}
        self.report.calls.append(
            {
                "id": call["id"],
                "from": call["from"],
                "to": call["to"],
                "status": call["status"],
                "talk_seconds": call["talk_seconds"],
                "attributed_visit": verdict.get("visit_id"),
                "probability": verdict.get("probability"),
            }
        )
        if call["from"] != self.caller:
            raise StoryBroken("the call shows another caller")

    def _expect_conversion(self, call: dict[str, Any], kind: str) -> dict[str, Any]:
        found: dict[str, Any] = self._await(
            f"a {kind} for the call",
            f"/api/v1/calls/{call['id']}",
            lambda answer: next((row for row in answer["conversions"] if row["kind"] == kind), None),
        )
        shape = ("id", "kind", "status", "value_minor", "currency")
        self.report.conversions.append({name: found[name] for name in shape})
        if kind == "purchase" and found["value_minor"] != PURCHASE_MINOR:
            raise StoryBroken(f"the purchase is worth {found['value_minor']}, not {PURCHASE_MINOR}")
        return found

    def _set_purchase(self, call: dict[str, Any]) -> None:
        path, key = f"/api/v1/calls/{call['id']}/outcome", uuid4().hex
        body = {"kind": "purchase", "value": "850.00", "currency": "EUR", "reason": "booked on the phone"}
        answers = [self._post(path, body, key), self._post(path, body, key)]
        if answers[0] != answers[1]:
            raise StoryBroken("the same idempotency key was answered twice with different words")

    def _expect_deliveries(self, conversion: dict[str, Any]) -> None:
        def all_there(answer: dict[str, Any]) -> list[dict[str, Any]] | None:
            rows: list[dict[str, Any]] = answer["deliveries"]
            # Somebody who tries things out may have connected more than the demo's own.
            done = [row for row in rows if row["state"] in DONE_STATES]
            return done if len(done) >= self.stage.destinations_expected else None

        rows = self._await(
            f"{self.stage.destinations_expected} confirmed deliveries of the {conversion['kind']}",
            f"/api/v1/deliveries?conversion_id={conversion['id']}",
            all_there,
        )
        for row in rows:
            self.report.deliveries.append(
                {
                    "id": row["id"],
                    "conversion": row["conversion_id"],
                    "destination": row["destination"],
                    "state": row["state"],
                    "attempts": row["attempts"],
                }
            )

    def _expect_no_lead(self, call: dict[str, Any]) -> None:
        found = self._await(
            "the third call to be attributed",
            f"/api/v1/calls/{call['id']}",
            lambda answer: answer if answer["attribution"] else None,
        )
        time.sleep(1)
        found = self._get(f"/api/v1/calls/{call['id']}")
        self._write_call(found)
        if found["conversions"]:
            raise StoryBroken("the third call became a conversion although the caller was a lead already")

    def _expect_one_person(self) -> None:
        persons = {self._get(f"/api/v1/calls/{call['id']}")["person_id"] for call in self.report.calls}
        if len(persons) != 1 or None in persons:
            raise StoryBroken("the three calls are not known to be of one person")

    def _await(self, what: str, path: str, found: Callable[[dict[str, Any]], Any]) -> Any:
        deadline = time.monotonic() + self.stage.patience_seconds
        while time.monotonic() < deadline:
            if (value := found(self._get(path))) is not None:
                return value
            time.sleep(0.15)
        raise StoryBroken(f"waited {self.stage.patience_seconds:.0f} s in vain for {what}")

    def _get(self, path: str) -> dict[str, Any]:
        return self._answer(self.http.get(path, headers={"Authorization": f"Bearer {self.stage.api_key}"}))

    def _post(self, path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.stage.api_key}", "Idempotency-Key": key}
        return self._answer(self.http.post(path, json=body, headers=headers))

    @staticmethod
    def _answer(answer: httpx.Response) -> dict[str, Any]:
        if answer.status_code >= 300:
            raise StoryBroken(
                f"{answer.request.method} {answer.request.url.path} answered {answer.status_code}: "
                f"{answer.text[:300]}"
            )
        told: dict[str, Any] = answer.json()
        return told
