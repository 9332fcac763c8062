"""The statements of the hot path, prepared once per connection (psycopg's parameter style)."""

from calltrack.infra.bounded import fixed

SET_TENANT = "SELECT set_config('app.company_id', %(company_id)s, true)"

CALL_COLUMNS = (
    "company_id", "id", "call_sid", "number_id", "location_id", "caller", "caller_hash", "caller_city",
    "caller_country", "status", "outcome", "started_at", "answered_at", "ended_at", "ring_seconds",
    "duration_seconds", "talk_seconds", "is_bridged", "changed_at", "was_spooled", "answered_by",
    "hung_up_by", "stir", "sip_code", "error_code", "message_seconds", "price_micros", "price_currency",
    "line_type", "keys", "flow_path", "flow_version", "caller_region",
)  # fmt: skip
# Their types, where it is not text, and those of the other values of a first event.
TYPES = dict.fromkeys(CALL_COLUMNS, "text") | {
    "company_id": "uuid", "id": "uuid", "number_id": "uuid", "location_id": "uuid", "caller": "bytea",
    "caller_hash": "bytea", "started_at": "timestamptz", "answered_at": "timestamptz",
    "ended_at": "timestamptz", "ring_seconds": "int", "duration_seconds": "int", "talk_seconds": "int",
    "is_bridged": "boolean", "changed_at": "timestamptz", "was_spooled": "boolean", "sip_code": "int",
    "error_code": "int", "message_seconds": "int", "price_micros": "bigint", "keys": "text[]",
    "flow_path": "text[]", "flow_version": "uuid", "event_id": "uuid", "key": "text",
    "received_at": "timestamptz", "event": "bytea", "fact_id": "uuid",
}  # fmt: skip
# What later events may change; the caller's seal is renewed only when its hash differs.
FOLDED_COLUMNS = CALL_COLUMNS[7:]

INSERT_CALL = f"""
    INSERT INTO call ({", ".join(CALL_COLUMNS)})
    VALUES ({", ".join(f"%({column})s" for column in CALL_COLUMNS)})
    ON CONFLICT (company_id, call_sid) DO NOTHING
    RETURNING id
"""  # noqa: S608 - column names are constants of this file

# The whole first event in one statement and one round trip: the tenant is set before a row is made, because
# every row is selected from the step before it. Nothing is written when the call is known already.
FIRST_EVENT = fixed(
    "first_event",
    f"""
    WITH tenant AS MATERIALIZED (
        SELECT set_config('app.company_id', %(company_id)s::uuid::text, true)
    ), new_call AS (
        INSERT INTO call ({", ".join(CALL_COLUMNS)})
        SELECT {", ".join(f"%({column})s" for column in CALL_COLUMNS)} FROM tenant
        ON CONFLICT (company_id, call_sid) DO NOTHING
        RETURNING id
    ), new_event AS (
        INSERT INTO call_event (company_id, id, call_sid, number_id, key, received_at, event)
        SELECT %(company_id)s, %(event_id)s, %(call_sid)s, %(number_id)s, %(key)s, %(received_at)s, %(event)s
        FROM new_call
    ), fact AS (
        INSERT INTO outbox (company_id, id, kind, subject_id, recorded_at, due_at, failures)
        SELECT %(company_id)s, %(fact_id)s, 'call.started', id, %(changed_at)s, %(changed_at)s, 0
        FROM new_call
    )
    SELECT id FROM new_call
""",  # noqa: S608 - column names are constants of this file
    TYPES,
)

LOCK_CALL = """
    SELECT id, caller_hash, erased_at FROM call
    WHERE company_id = %(company_id)s AND call_sid = %(call_sid)s FOR UPDATE
"""

# A piece of a transcript changes none of the call's rows: no lock, no fold.
IS_KNOWN = """
    SELECT c.id, c.ended_at IS NOT NULL, EXISTS (
        SELECT FROM call_event e
        WHERE e.company_id = c.company_id AND e.call_sid = c.call_sid AND e.key = %(key)s)
        OR c.erased_at IS NOT NULL
    FROM call c WHERE c.company_id = %(company_id)s AND c.call_sid = %(call_sid)s
"""

EVENTS_OF_CALL = """
    SELECT key, event FROM call_event WHERE company_id = %(company_id)s AND call_sid = %(call_sid)s
"""

INSERT_EVENT = """
    INSERT INTO call_event (company_id, id, call_sid, number_id, key, received_at, event)
    VALUES (%(company_id)s, %(event_id)s, %(call_sid)s, %(number_id)s, %(key)s, %(received_at)s, %(event)s)
"""

UPDATE_CALL = f"""
    UPDATE call SET {", ".join(f"{column} = %({column})s" for column in FOLDED_COLUMNS)}
    WHERE company_id = %(company_id)s AND id = %(id)s
"""  # noqa: S608 - column names are constants of this file

UPDATE_CALLER = """
    UPDATE call SET caller = %(caller)s, caller_hash = %(caller_hash)s
    WHERE company_id = %(company_id)s AND id = %(id)s
"""

LEG_COLUMNS = (
    "to_number", "status", "seconds", "position", "started_at", "answered_at", "ended_at", "ring_seconds",
    "is_joined", "sip_code", "price_micros", "price_currency",
)  # fmt: skip
RECORDING_COLUMNS = ("kind", "status", "url", "seconds", "channels", "started_at")


def _upsert(table: str, name: str, columns: tuple[str, ...]) -> str:
    """Return the statement that writes one row below a call, whether or not it is there."""
    return f"""
    INSERT INTO {table} (company_id, call_id, {name}, {", ".join(columns)})
    VALUES (%(company_id)s, %(call_id)s, %({name})s, {", ".join(f"%({column})s" for column in columns)})
    ON CONFLICT (company_id, call_id, {name}) DO UPDATE
    SET {", ".join(f"{column} = excluded.{column}" for column in columns)}
"""  # noqa: S608 - names are constants of this file


WRITE_LEG = _upsert("leg", "leg_sid", LEG_COLUMNS)
WRITE_RECORDING = _upsert("recording", "recording_sid", RECORDING_COLUMNS)

RECORD_FACT = """
    INSERT INTO outbox (company_id, id, kind, subject_id, recorded_at, due_at, failures)
    VALUES (%(company_id)s, %(fact_id)s, %(kind)s, %(call_id)s, %(now)s, %(now)s, 0)
"""

UNKNOWN_CALL = """
    INSERT INTO unknown_call (id, at, account_sid, call_sid, to_number, detail)
    VALUES (%(id)s, %(at)s, %(account_sid)s, %(call_sid)s, %(to_number)s, %(detail)s)
    ON CONFLICT (id) DO NOTHING
"""

# The visit that was shown the number last: the likeliest caller, while nobody has decided yet.
LATEST_ORIGIN = """
    SELECT v.source, v.medium, v.campaign
    FROM lease l JOIN visit v ON v.company_id = l.company_id AND v.id = l.visit_id
    WHERE l.company_id = %(company_id)s AND l.number_id = %(number_id)s AND NOT l.is_overflow
      AND l.shown_from <= %(now)s AND l.shown_from > %(since)s
    ORDER BY l.shown_from DESC
    LIMIT 1
"""
