"""Calls found by what was said in them."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from calltrack.calls.transcript_search import MOST, Hit, count_transcripts, search
from calltrack.dashboard.access import Here, page
from calltrack.kernel.errors import BadInput
from calltrack.wiring import Services

LONGEST = 200


@page("/transcripts", "manager")
def transcripts(services: Services, here: Here) -> ResponseReturnValue:
    """Show the calls in which the words were said, newest first."""
    typed = request.args.get("q", "").strip()[:LONGEST]
    hits: tuple[Hit, ...] = ()
    problem = ""
    with services.db.tenant(here.company.id) as session:
        count = count_transcripts(session, here.company.id)
        if typed:
            try:
                hits = search(session, services.vault, here.company.id, typed)
            except BadInput as wrong:
                problem = str(wrong)
    return render_template(
        "transcripts.html", typed=typed, hits=hits, problem=problem, count=count, most=MOST
    )
