"""`calltrack models`: a company's attribution models, and which of them judges."""

import json
import sys
from uuid import UUID

from calltrack.accounts.model import Company
from calltrack.attribution import model_versions
from calltrack.attribution.lessons import learn_now
from calltrack.attribution.model_queries import all_models, compare
from calltrack.commands.running import settings_here
from calltrack.kernel.errors import CalltrackError
from calltrack.wiring import Services, build

BY = "command line"


def choose_model(
    company: str, *, pin: str | None, unpin: bool, serve: str | None, show: str | None, learn: bool
) -> int:
    """Do what is asked, then print the versions; with `show` print one version's parameters instead."""
    services = build(settings_here(), statement_timeout_ms=600_000)
    try:
        company_id = _company(services, company)
        if learn:
            print(learn_now(services, company_id))
        if show is not None:
            print(parameters(services, company_id, show))
            return 0
        act(services, company_id, pin=pin, unpin=unpin, serve=serve)
        print_versions(services, company_id)
    except CalltrackError as problem:
        sys.exit(str(problem))
    finally:
        services.close()
    return 0


def act(services: Services, company_id: UUID, *, pin: str | None, unpin: bool, serve: str | None) -> None:
    """Pin, unpin or bring back, as asked."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        if pin is not None:
            model_versions.pin(session, company_id, pin, BY, now)
        elif serve is not None:
            model_versions.serve(session, company_id, serve, BY, now)
        elif unpin:
            model_versions.unpin(session, company_id, BY, now)


def parameters(services: Services, company_id: UUID, version: str) -> str:
    """Return a version's parameters as JSON."""
    with services.db.tenant(company_id) as session:
        return json.dumps(compare(session, company_id, version).model.to_json(), indent=1)


def print_versions(services: Services, company_id: UUID) -> None:
    """Print a line per version, newest first."""
    with services.db.tenant(company_id) as session:
        rows = all_models(session, company_id)
    for row in rows:
        learnt = f"{row.learnt_at:%Y-%m-%d %H:%M} UTC" if row.since and row.learnt_at else "shipped"
        print(
            f"{row.version:24} {row.state:8} {learnt:20} {row.calls:7} calls  {', '.join(row.held)}".rstrip()
        )


def _company(services: Services, text: str) -> UUID:
    try:
        company_id = UUID(text)
    except ValueError:
        sys.exit(f"{text[:64]!r} is not a company's id. It stands in the addresses of its pages: /app/<id>/.")
    with services.db.system() as system:
        if system.get(Company, company_id) is None:
            sys.exit(f"There is no company {text}. Its id stands in the addresses of its pages.")
    return company_id
