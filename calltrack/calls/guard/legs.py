"""Plans without the phones that may not be rung: the last look before a document goes out."""

from dataclasses import replace
from functools import cache
from uuid import UUID

from calltrack.callflows.words import words_for
from calltrack.calls.guard.desk import Guard
from calltrack.infra.log import log
from calltrack.telephony import twilio
from calltrack.telephony.base import CallPlan, HangUp, Part, Ring, Speak


def allowed(guard: Guard, company_id: UUID, plan: CallPlan) -> CallPlan | None:
    """Return the plan without phones that calls must not go to; None: a ring has none left."""
    parts: list[Part] = []
    for part in plan.parts:
        if isinstance(part, Ring):
            refused = {
                target: why
                for target in part.targets
                if (why := guard.refusal_of(company_id, target.address)) is not None
            }
            for target, why in refused.items():
                log.warning("guard: %s of company %s is not rung (%s)", target.address, company_id, why)
            left = tuple(target for target in part.targets if target not in refused)
            if not left:
                return None
            parts.append(replace(part, targets=left))
        else:
            parts.append(part)
    return replace(plan, parts=tuple(parts))


@cache
def sorry(language: str) -> bytes:
    """Tell that nobody can answer now."""
    words = Speak(text=words_for(language).missed, language=language)
    return twilio.render(CallPlan((words, HangUp()))).encode()
