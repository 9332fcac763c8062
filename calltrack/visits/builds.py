"""Every build of the snippet this installation ever served: a page that pinned one goes on getting it."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.snippet import version_of
from calltrack.visits.model import SnippetBuild

# So long after it was last the newest one a build is still served.
KEPT: Final = timedelta(days=400)


def keep_build(session: Session, script: bytes, now: datetime) -> None:
    """Keep the build that is served now, and forget those that are past their time. Twice is harmless."""
    version = version_of(script)
    put = insert(SnippetBuild).values(version=version, script=script, first_served_at=now, last_served_at=now)
    session.execute(put.on_conflict_do_update(index_elements=["version"], set_={"last_served_at": now}))
    session.execute(
        delete(SnippetBuild).where(SnippetBuild.last_served_at < now - KEPT, SnippetBuild.version != version)
    )


def kept_build(session: Session, version: str) -> bytes | None:
    """Return the script of a build that was served before."""
    return session.scalar(select(SnippetBuild.script).where(SnippetBuild.version == version))
