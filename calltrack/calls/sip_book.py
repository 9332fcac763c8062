"""What the telephone systems of all companies ask for, in the memory of a voice process."""

from dataclasses import replace
from uuid import UUID

import msgspec

from calltrack.accounts.sip_logins import PLACE, host_of
from calltrack.infra.crypto import Unreadable, Vault
from calltrack.infra.log import log
from calltrack.telephony.base import CallPlan, Login, Part, Ring, Target


class SipLoginRow(msgspec.Struct, frozen=True):
    """A login as it is stored; the password stays sealed in the saved table, too."""

    company_id: UUID
    host: str
    username: str
    password: bytes


class SipBook:
    """Host -> login, for each company."""

    def __init__(self, rows: list[SipLoginRow], vault: Vault) -> None:
        """Open the passwords; one that cannot be read is left out, and its host is rung without."""
        self._logins: dict[tuple[UUID, str], Login] = {}
        for row in rows:
            try:
                password = vault.open(row.company_id, PLACE, row.password)
            except Unreadable as problem:
                log.error(
                    "company %s: the login of %s cannot be read (%s)", row.company_id, row.host, problem
                )
                continue
            self._logins[row.company_id, row.host] = Login(row.username, password)

    def with_logins(self, company_id: UUID, plan: CallPlan) -> CallPlan:
        """Return the plan with what the company's telephone systems ask for."""
        if not any(isinstance(part, Ring) and any(t.is_sip for t in part.targets) for part in plan.parts):
            return plan
        return replace(plan, parts=tuple(self._part(company_id, part) for part in plan.parts))

    def _part(self, company_id: UUID, part: Part) -> Part:
        if not isinstance(part, Ring):
            return part
        return replace(part, targets=tuple(self._target(company_id, target) for target in part.targets))

    def _target(self, company_id: UUID, target: Target) -> Target:
        login = self._logins.get((company_id, host_of(target.address))) if target.is_sip else None
        return target if login is None else replace(target, login=login)
