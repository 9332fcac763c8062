"""What is due in all companies, as jobs to run: asked by the clock, and by workers when Redis is silent."""

from datetime import datetime

from sqlalchemy.orm import Session

from calltrack.infra import outbox

Job = tuple[str, ...]


def due_jobs(system: Session, due_before: datetime) -> list[Job]:
    """Return a job (its name in `workers.jobs`, its ids) for everything that was due at that moment."""
    return [
        ("handle_facts", str(company_id))
        for company_id in outbox.companies_with_due_facts(system, due_before)
    ]
