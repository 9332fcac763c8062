"""The SQL of the ledger; `ledger.py` says what each statement is for.

Every statement names company and destination, or ids of rows under a lease, so each one finds its rows by an
index, however many deliveries a company has.
"""

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Integer, LargeBinary, Uuid


def _with_ids(statement: str) -> TextClause:
    return text(statement).bindparams(bindparam("ids", type_=ARRAY(Uuid())))


EXPIRE = text(
    """
    UPDATE delivery SET state = 'unknown', lease_token = NULL, last_class = 'UNKNOWN', explanation = :said
    WHERE company_id = :company_id AND destination_id = :destination_id
      AND state = 'sending' AND due_at <= :now
    RETURNING id
    """
)
END_ATTEMPTS = _with_ids(
    """
    UPDATE delivery_attempt SET finished_at = :now, class = 'UNKNOWN', message = :said
    WHERE company_id = :company_id AND delivery_id = ANY(:ids) AND finished_at IS NULL
    """
)
# The materialised list is read once; a plain IN (SELECT ... LIMIT) may be run again per row and take more.
CLAIM = text(
    """
    WITH due AS MATERIALIZED (
        SELECT d.id FROM delivery d
        WHERE d.company_id = :company_id AND d.destination_id = :destination_id AND d.due_at <= :now
          AND d.state IN ('pending', 'unknown')
          AND (d.sequence = 0 OR NOT EXISTS (
              SELECT FROM delivery e
              WHERE e.company_id = d.company_id AND e.conversion_id = d.conversion_id
                AND e.destination_id = d.destination_id AND e.sequence < d.sequence
                AND (e.state NOT IN ('accepted', 'confirmed', 'rejected', 'withheld')
                     OR e.sequence = 0 AND e.state NOT IN ('accepted', 'confirmed'))))
        ORDER BY d.due_at, d.id LIMIT :most FOR UPDATE SKIP LOCKED)
    UPDATE delivery d SET state = 'sending', lease_token = :token, due_at = :lease_end,
                          attempts = d.attempts + 1
    FROM due WHERE d.company_id = :company_id AND d.id = due.id
    RETURNING d.id, d.conversion_id, d.change_id, d.sequence, d.attempts, d.planned_at, d.payload,
              d.last_class, (SELECT c.occurred_at FROM conversion c
               WHERE c.company_id = d.company_id AND c.id = d.conversion_id) AS occurred_at
    """
)
NOTE = text(
    """
    INSERT INTO delivery_attempt (company_id, delivery_id, number, step, started_at, request_hash)
    SELECT :company_id, one.id, 1 + coalesce((
        SELECT max(a.number) FROM delivery_attempt a
        WHERE a.company_id = :company_id AND a.delivery_id = one.id), 0), :step, :now, one.hash
    FROM unnest(:ids, :hashes) AS one (id, hash)
    RETURNING delivery_id, number
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("hashes", type_=ARRAY(LargeBinary())))
AGAIN = _with_ids(
    """
    UPDATE delivery SET state = 'sending', due_at = :lease_end
    WHERE company_id = :company_id AND id = ANY(:ids) AND lease_token = :token
    RETURNING id
    """
)
SETTLE = _with_ids(
    """
    UPDATE delivery d SET
        state = :state, lease_token = NULL, last_class = :class, explanation = :explanation,
        due_at = CAST(:due_at AS timestamptz), settled_at = CAST(:settled_at AS timestamptz),
        attempts = greatest(d.attempts - :unburnt, 0)
    WHERE d.company_id = :company_id AND d.id = ANY(:ids) AND d.lease_token = :token
    """
)
ACCEPT = text(
    """
    UPDATE delivery d SET
        state = 'accepted', lease_token = NULL, last_class = :class, explanation = :explanation,
        due_at = :due_at, settled_at = NULL, request_id = :request_id, request_place = sent.place,
        request_size = :size
    FROM unnest(:ids, :places) AS sent (id, place)
    WHERE d.company_id = :company_id AND d.id = ANY(:ids) AND d.id = sent.id AND d.lease_token = :token
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("places", type_=ARRAY(Integer())))
# Few rows ever hold a lease, so the planner expects one here and would compare each row with each place.
NO_NESTED_LOOPS = text("SET LOCAL enable_nestloop = off")
NESTED_LOOPS = text("SET LOCAL enable_nestloop = on")
FINISH = text(
    """
    UPDATE delivery_attempt a SET
        finished_at = :now, status = :status, answer = :answer, class = :class, message = :message
    FROM unnest(:ids, :numbers) AS tried (id, number)
    WHERE a.company_id = :company_id AND a.delivery_id = tried.id AND a.number = tried.number
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("numbers", type_=ARRAY(Integer())))
# The receiver is back: what waits by the schedule of its failures goes now.
PULL_FORWARD = text(
    """
    UPDATE delivery SET due_at = :now
    WHERE company_id = :company_id AND destination_id = :destination_id AND due_at > :now
      AND state IN ('pending', 'unknown') AND last_class IN ('LATER', 'UNKNOWN')
    """
)
GIVE_BACK = _with_ids(
    """
    UPDATE delivery SET state = 'pending', lease_token = NULL, due_at = :now,
                        attempts = greatest(attempts - 1, 0)
    WHERE company_id = :company_id AND id = ANY(:ids) AND lease_token = :token
    RETURNING id
    """
)
UNNOTE = _with_ids(
    """
    DELETE FROM delivery_attempt
    WHERE company_id = :company_id AND delivery_id = ANY(:ids) AND finished_at IS NULL
    """
)
TAKE_VERDICTS = text(
    """
    WITH one AS MATERIALIZED (
        SELECT request_id FROM delivery
        WHERE company_id = :company_id AND destination_id = :destination_id AND due_at <= :now
          AND state = 'accepted'
        ORDER BY due_at LIMIT 1)
    UPDATE delivery d SET lease_token = :token, due_at = :lease_end
    FROM one
    WHERE d.company_id = :company_id AND d.destination_id = :destination_id AND d.state = 'accepted'
      AND d.request_id = one.request_id AND d.due_at <= :now
    RETURNING d.id, d.conversion_id, d.change_id, d.sequence, d.attempts, d.planned_at, d.payload,
              d.last_class, (SELECT c.occurred_at FROM conversion c
               WHERE c.company_id = d.company_id AND c.id = d.conversion_id) AS occurred_at,
              d.request_id, d.request_place, d.request_size,
              (SELECT max(a.finished_at) FROM delivery_attempt a
               WHERE a.company_id = d.company_id AND a.delivery_id = d.id AND a.step = 'send') AS accepted_at
    """
)
ASK_LATER = text(
    """
    UPDATE delivery SET due_at = :due_at
    WHERE company_id = :company_id AND destination_id = :destination_id AND due_at <= :now
      AND state = 'accepted'
    """
)
HOLD = text(
    """
    UPDATE destination SET held_until = greatest(held_until, CAST(:until AS timestamptz))
    WHERE company_id = :company_id AND id = :destination_id
    """
)
SAME_FAULT = text(
    """
    SELECT count(*) FILTER (WHERE state = 'parked' AND explanation = :said) FROM (
        SELECT state, explanation FROM delivery
        WHERE company_id = :company_id AND destination_id = :destination_id AND last_class IS NOT NULL
        ORDER BY id DESC LIMIT :most) newest
    """
)
WITHHOLD_ORPHANS = text(
    """
    UPDATE delivery d SET state = 'withheld', due_at = NULL, settled_at = :now, explanation = :said
    FROM delivery e
    WHERE d.company_id = :company_id AND d.destination_id = :destination_id AND d.due_at <= :now
      AND d.state IN ('pending', 'unknown') AND d.sequence > 0 AND e.company_id = d.company_id
      AND e.conversion_id = d.conversion_id AND e.destination_id = d.destination_id
      AND e.sequence = 0 AND e.state IN ('rejected', 'withheld')
    """
)
# A change whose turn has not come looks again when the one before it is due, within ten minutes at most.
POSTPONE_BLOCKED = text(
    """
    UPDATE delivery d SET due_at = least(greatest(before.due_at, :soonest), :latest)
    FROM (
        SELECT d.id, max(e.due_at) AS due_at FROM delivery d
        JOIN delivery e ON e.company_id = d.company_id AND e.conversion_id = d.conversion_id
         AND e.destination_id = d.destination_id AND e.sequence < d.sequence
        WHERE d.company_id = :company_id AND d.destination_id = :destination_id AND d.due_at <= :now
          AND d.state IN ('pending', 'unknown') AND d.sequence > 0
          AND e.state NOT IN ('accepted', 'confirmed', 'rejected', 'withheld')
        GROUP BY d.id) before
    WHERE d.company_id = :company_id AND d.id = before.id
    """
)
# Sent again, the older value would stand last: the newer ones follow it once more.
REOPEN = _with_ids(
    """
    UPDATE delivery d SET
        state = 'pending', due_at = coalesce(e.due_at, :now), settled_at = NULL, explanation = :said
    FROM delivery e
    WHERE e.company_id = :company_id AND e.id = ANY(:ids) AND d.company_id = e.company_id
      AND d.conversion_id = e.conversion_id AND d.destination_id = e.destination_id
      AND d.sequence > e.sequence AND d.state IN ('accepted', 'confirmed') AND d.lease_token IS NULL
    """
)
LATE_UNKNOWN = text(
    """
    SELECT d.id, d.payload FROM delivery d
    WHERE d.company_id = :company_id AND d.destination_id = :destination_id AND d.due_at <= :now
      AND d.state = 'unknown' AND :first_tried_before > (
          SELECT min(a.started_at) FROM delivery_attempt a
          WHERE a.company_id = d.company_id AND a.delivery_id = d.id AND a.step = 'send')
    FOR UPDATE OF d SKIP LOCKED
    """
)
STRAND = _with_ids(
    """
    UPDATE delivery SET due_at = NULL, explanation = :said
    WHERE company_id = :company_id AND id = ANY(:ids) AND state = 'unknown'
    """
)
