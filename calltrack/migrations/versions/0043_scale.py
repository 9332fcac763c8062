"""Large companies: persons are found in an index alone, and a day of reports waits as long as it takes.

Revision 0043.
"""

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

LAST = "CREATE INDEX ix_journey_last ON journey (company_id, last_at DESC, id) {more} WHERE is_person"
ASKED = (
    "INCLUDE (first_at, last_call_at, lead_at, last_bought_at, stage, visits, calls, answered, missed,"
    " short_calls, longest_talk, leads, purchases, value_minor, waits, is_lost, score)"
)


def upgrade() -> None:
    op.execute("DROP INDEX ix_journey_last")
    op.execute(LAST.format(more=ASKED))
    # An index answers alone only for pages that were vacuumed since they changed.
    op.execute("ALTER TABLE journey SET (autovacuum_vacuum_scale_factor = 0.02)")
    op.execute("ALTER TABLE report_state ADD COLUMN took_ms INTEGER DEFAULT 0 NOT NULL")


def downgrade() -> None:
    op.execute("ALTER TABLE report_state DROP COLUMN took_ms")
    op.execute("ALTER TABLE journey RESET (autovacuum_vacuum_scale_factor)")
    op.execute("DROP INDEX ix_journey_last")
    op.execute(LAST.format(more=""))
