-- Forget the oldest month of a partitioned table that ended before a moment; returns its name, or none.
-- One month at a time, and nobody waits for it: rows go by a truncation that locks that month alone, and the empty month
-- is taken off its parent only if all others let go of it within 50 ms; else its next call does it.
CREATE FUNCTION drop_partition(parent text, before timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' SET lock_timeout = '50ms' AS $$
DECLARE
    child text;
BEGIN
    IF parent NOT IN ('visit', 'page_view') THEN RAISE EXCEPTION 'only visits and page views are forgotten by month'; END IF;
    IF before > now() - interval '3 months' THEN RAISE EXCEPTION 'calls still ask for visits of the last three months'; END IF;
    SELECT c.relname INTO child FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = parent::regclass AND c.relname ~ ('^' || parent || '_\d{4}_\d{2}$')
      AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= before
    ORDER BY c.relname LIMIT 1;
    IF child IS NULL THEN RETURN NULL; END IF;
    BEGIN
        EXECUTE format('TRUNCATE %I', child);
    EXCEPTION WHEN lock_not_available THEN RETURN NULL;
    END;
    BEGIN
        EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', parent, child);
        EXECUTE format('DROP TABLE %I', child);
    EXCEPTION WHEN lock_not_available THEN RETURN NULL;
    END;
    RETURN child;
END $$
