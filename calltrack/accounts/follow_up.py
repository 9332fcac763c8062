"""How a company follows up on calls: alerts of missed ones, questions to who answered, the text-back."""

import re
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.accounts.wrong_settings import refused
from calltrack.kernel.errors import NotFound

AlertTo = Literal["off", "owners", "managers", "location"]
AskHow = Literal["off", "link", "key"]
CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
USUAL_TEXT = (
    "We missed your call and are sorry. We ring you back as soon as we can, or answer this message. "
    "Reply STOP to get no more messages."
)


class FollowUp(BaseModel):
    """The settings; each field's description is shown beside it. Nothing is sent by itself at the start."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    alert_to: AlertTo = Field(
        "off",
        title="Mail of a missed call goes to",
        description="It waits for the end of the quiet hours and is left out if somebody rang back.",
    )
    ask_how: AskHow = Field(
        "off",
        title="Ask who answered what a call brought",
        description="A link to their mobile (else to the location's e-mail), or a call that asks for a key."
        " Before a link the carrier is asked whether it is a mobile (about 0.008 US dollars, twice a year).",
    )
    ask_seconds: int = Field(
        20,
        title="Ask from so many seconds of talk",
        ge=0,
        le=3600,
        description="Shorter conversations are not worth the question.",
    )
    text_back: bool = Field(
        False,
        title="Answer missed calls by a text message",
        description="Once per caller within 24 hours, to mobiles of your own country only. Before it the"
        " carrier is asked what kind of line it is (about 0.008 US dollars, at most twice a year a caller).",
    )
    text_back_consent: bool = Field(
        False,
        title="We may write to our callers",
        description="Some laws ask for consent first; you confirm that yours lets you send this answer.",
    )
    text_back_text: str = Field(
        USUAL_TEXT,
        title="What the message says",
        min_length=10,
        max_length=480,
        description="Name your company, and say that STOP ends the messages.",
    )
    text_back_minutes: int = Field(
        5,
        title="Minutes to wait before it is sent",
        ge=0,
        le=240,
        description="Who is rung back or calls again meanwhile gets none.",
    )
    quiet_from: str = Field("22:00", title="Quiet hours begin", description="In the company's time zone.")
    quiet_until: str = Field("08:00", title="Quiet hours end", description="The same time twice: none.")
    quiet_sundays: bool = Field(
        True, title="Sundays are quiet", description="What would be sent then is sent on Monday."
    )

    @field_validator("quiet_from", "quiet_until")
    @classmethod
    def _is_a_clock(cls, text: str) -> str:
        if not CLOCK.fullmatch(text.strip()):
            raise ValueError("write a time like 22:00")
        return text.strip()

    @field_validator("text_back_text")
    @classmethod
    def _can_be_read(cls, text: str) -> str:
        text = " ".join(text.split())
        if not text.isprintable():
            raise ValueError("the text holds an invisible character; type it again instead of pasting it")
        return text

    @model_validator(mode="after")
    def _is_allowed(self) -> "FollowUp":
        if self.text_back and not self.text_back_consent:
            raise ValueError("confirm first that you may write to your callers, or leave the text-back off")
        if self.text_back and "STOP" not in self.text_back_text:
            raise ValueError("say in the message that STOP ends the messages")
        return self


def follow_up_of(stored: dict[str, Any]) -> FollowUp:
    """Read the settings from a company's stored ones; what is missing takes the default."""
    return FollowUp.model_validate(stored.get("follow_up") or {})


def follow_up(session: Session, company_id: UUID) -> FollowUp:
    """Return a company's settings; raises NotFound when there is no such company."""
    found = session.get(Company, company_id)
    if found is None:
        raise NotFound("There is no such company.")
    return follow_up_of(found.settings)


def change_follow_up(session: Session, company_id: UUID, wanted: dict[str, Any]) -> FollowUp:
    """Store the settings and return them.

    Raises:
        BadInput: a value is out of its bounds; the text names the field.
        NotFound: there is no such company.
    """
    found = session.get(Company, company_id)
    if found is None:
        raise NotFound("There is no such company.")
    try:
        settings = FollowUp.model_validate(wanted)
    except ValidationError as problem:
        raise refused(problem, FollowUp, "Text-back") from None
    found.settings = found.settings | {"follow_up": settings.model_dump(mode="json")}
    return settings
