"""What is due in all companies, as jobs to run: asked by the clock, and by workers when Redis is silent."""

from datetime import datetime

from sqlalchemy.orm import Session

from calltrack.audiences.telling import due_audiences
from calltrack.conversions.imports import companies_with_due_imports
from calltrack.conversions.inbox import companies_with_due_outcomes
from calltrack.delivery.service import due_destinations
from calltrack.infra import outbox

Job = tuple[str, ...]


def due_jobs(system: Session, due_before: datetime) -> list[Job]:
    """Return a job (its name in `workers.jobs`, its ids) for everything that was due at that moment."""
    facts: list[Job] = [
        ("handle_facts", str(company_id))
        for company_id in outbox.companies_with_due_facts(system, due_before)
    ]
    deliveries: list[Job] = [
        ("poll" if is_poll else "deliver", str(company_id), str(destination_id))
        for company_id, destination_id, is_poll in due_destinations(system, due_before)
    ]
    outcomes: list[Job] = [
        ("match_outcomes", str(company_id)) for company_id in companies_with_due_outcomes(system, due_before)
    ]
    files: list[Job] = [
        ("import_outcomes", str(company_id), str(import_id))
        for company_id, import_id in companies_with_due_imports(system, due_before)
    ]
    return facts + deliveries + outcomes + files + due_audiences(system, due_before)
