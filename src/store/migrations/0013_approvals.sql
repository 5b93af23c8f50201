-- SPDX-License-Identifier: PostgreSQL
-- What may be changed on a target, by whom and when: the kill switch, the classes of approval, windows for maintenance, and approved
-- changes that wait for their moment.

ALTER TABLE fettle.index_changes
    ADD COLUMN is_undo boolean NOT NULL DEFAULT false,
    ADD COLUMN begin_before timestamptz,
    ADD COLUMN held_by varchar(10) CHECK (held_by IN ('pause', 'moment'));
COMMENT ON COLUMN fettle.index_changes.is_undo IS 'it takes an earlier change back, which a pause need not stop';
COMMENT ON COLUMN fettle.index_changes.begin_before IS 'the end of the moment that it was approved for; it does not begin later; NULL: whenever its turn comes';
COMMENT ON COLUMN fettle.index_changes.held_by IS 'what asked it to stop, where no person did: a pause, or that its moment was over';
UPDATE fettle.index_changes c SET is_undo = true
 WHERE c.id IN (SELECT i.undo_change_id FROM fettle.optimization_implementations i);

-- An attempt begins. A pause, or the end of its moment, stops only what has not begun: half of a change is worse than either end.
-- Answers whether it should rather not; no row: it is over.
CREATE FUNCTION fettle.index_change_attempt(change_id bigint, pid integer, must_finish boolean) RETURNS SETOF boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    c fettle.index_changes;
    held text;
BEGIN
    SELECT x.* INTO c FROM fettle.index_changes x WHERE x.id = change_id AND x.state IN ('pending', 'running') FOR UPDATE;
    IF c.id IS NULL THEN
        RETURN;
    END IF;
    IF c.started_at IS NULL AND NOT c.cancel_requested THEN
        held := CASE WHEN EXISTS (SELECT FROM fettle.pause_of(c.target_id, c.is_undo)) THEN 'pause'
                     WHEN c.begin_before <= clock_timestamp() THEN 'moment' END;
    END IF;
    RETURN QUERY
    UPDATE fettle.index_changes x
       SET state = 'running', started_at = coalesce(x.started_at, clock_timestamp()), attempts = x.attempts + 1, backend_pid = pid,
           cancel_requested = NOT must_finish AND (x.cancel_requested OR held IS NOT NULL), held_by = coalesce(x.held_by, held)
     WHERE x.id = change_id
    RETURNING x.cancel_requested;
END $$;

-- --- the kill switch

-- A pause of all targets (target_id NULL) or of one; it is in force until it is resumed, and kept.
CREATE TABLE fettle.pauses (
    id bigserial PRIMARY KEY,
    target_id bigint REFERENCES fettle.targets ON DELETE CASCADE,
    stops_undo boolean NOT NULL DEFAULT false,
    reason text NOT NULL CHECK (reason <> ''),
    paused_by text NOT NULL,
    paused_at timestamptz NOT NULL DEFAULT now(),
    resumed_by text,
    resumed_at timestamptz
);
CREATE UNIQUE INDEX pauses_open ON fettle.pauses (coalesce(target_id, 0)) WHERE resumed_at IS NULL;
COMMENT ON COLUMN fettle.pauses.stops_undo IS 'changes are not undone either, also where they do harm';

-- The pause that stands against a change; no row: none does.
CREATE FUNCTION fettle.pause_of(target bigint, is_undo boolean) RETURNS SETOF fettle.pauses
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT p.* FROM fettle.pauses p
     WHERE p.resumed_at IS NULL AND (p.target_id IS NULL OR p.target_id = $1) AND (p.stops_undo OR NOT $2)
     ORDER BY p.target_id NULLS FIRST LIMIT 1
    $$;

-- Refuses a change while a pause stands against it. Whoever records a change holds the lock until that is committed, and a pause waits
-- for it: so either the change sees the pause, or the pause sees the change.
CREATE FUNCTION fettle.pause_check(target bigint, is_undo boolean) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    found fettle.pauses;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('fettle.pauses', 0));
    SELECT p.* INTO found FROM fettle.pause_of(target, is_undo) p;
    IF found.id IS NOT NULL THEN
        RAISE object_not_in_prerequisite_state
            USING MESSAGE = format('changes %s are paused since %s by %s: %s',
                                   CASE WHEN found.target_id IS NULL THEN 'of all targets'
                                        ELSE 'of target ' || (SELECT t.name FROM fettle.targets t WHERE t.target_id = found.target_id) END,
                                   fettle.utc_text(found.paused_at), found.paused_by, found.reason),
                  HINT = CASE WHEN found.target_id IS NULL THEN 'go on with "fettle resume"'
                              ELSE format('go on with "fettle resume --target %s"',
                                          (SELECT t.name FROM fettle.targets t WHERE t.target_id = found.target_id)) END;
    END IF;
END $$;

-- Begins a pause, in the place of the one that is in force: that one is kept as ended by it, and it stops no less, and says why both; what waits or runs is asked to stop, unless it may finish.
CREATE FUNCTION fettle.pause_begin(target bigint, stops_undo boolean, lets_finish boolean, reason text, actor text)
    RETURNS TABLE (pause_id bigint, stopped bigint)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    former fettle.pauses;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('fettle.pauses', 0));
    UPDATE fettle.pauses p SET resumed_by = $5, resumed_at = now()
     WHERE p.resumed_at IS NULL AND coalesce(p.target_id, 0) = coalesce($1, 0)
    RETURNING p.* INTO former;
    INSERT INTO fettle.pauses AS p (target_id, stops_undo, reason, paused_by)
    VALUES ($1, $2 OR coalesce(former.stops_undo, false),
            CASE WHEN former.id IS NULL OR former.reason = $4 THEN $4
                 ELSE left(format('%s; before, by %s: %s', $4, former.paused_by, former.reason), 2000) END, $5)
    RETURNING p.id INTO pause_id;
    UPDATE fettle.index_changes c SET cancel_requested = true, held_by = CASE WHEN c.cancel_requested THEN c.held_by ELSE 'pause' END
     WHERE NOT $3 AND c.state IN ('pending', 'running') AND ($1 IS NULL OR c.target_id = $1) AND ($2 OR NOT c.is_undo);
    GET DIAGNOSTICS stopped = ROW_COUNT;
    RETURN NEXT;
END $$;

-- An undo that did not succeed (0010), but for one thing: a pause is nobody's wish to keep what does harm. What it stopped is undone
-- when it is over (implementations_harmful).
CREATE OR REPLACE FUNCTION fettle.implementation_undo_failed(implementation_id bigint, change_id bigint, message text, was_stopped boolean)
    RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS $$
    UPDATE fettle.optimization_implementations i
       SET error_message = 'it could not be undone: ' || $3, undo_change_id = NULL,
           undo_failures = i.undo_failures + CASE WHEN h.is_paused THEN 0 ELSE 1 END,
           undo_after = CASE WHEN h.is_paused THEN i.undo_after
                             WHEN $4 OR i.undo_after = 'infinity' THEN 'infinity'
                             ELSE now() + interval '1 hour' * 2 ^ least(i.undo_failures, 7) END
      FROM (SELECT EXISTS (SELECT FROM fettle.index_changes c WHERE c.id = $2 AND c.held_by = 'pause') AS is_paused) h
     WHERE i.id = $1 AND i.undo_change_id IS NOT DISTINCT FROM $2 AND i.status NOT IN ('reverted', 'failed')
    $$;

-- --- what a target's own rules are

-- Classes of approval, NULL: the server's (settings approval.*), and windows for maintenance; a target without a row has none.
CREATE TABLE fettle.change_policies (
    target_id bigint PRIMARY KEY DEFAULT fettle.sole_target() REFERENCES fettle.targets ON DELETE CASCADE,
    create_index varchar(10) CHECK (create_index IN ('advise', 'ask', 'auto')),
    drop_index varchar(10) CHECK (drop_index IN ('advise', 'ask', 'auto')),
    replace_index varchar(10) CHECK (replace_index IN ('advise', 'ask', 'auto')),
    windows text[] NOT NULL DEFAULT '{}',
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN fettle.change_policies.windows IS 'such as "Sat 02:00-05:00 Europe/Paris", "Mon-Fri 22:00-04:00", "daily 01:00-03:00"; UTC where no zone is named';

-- The parts of a window: days as numbers (Sunday 0), and times of day there. A window that ends before it begins ends on the next day.
CREATE FUNCTION fettle.change_window_parse(window_text text, OUT days integer[], OUT opens time, OUT closes time, OUT zone text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    names CONSTANT text[] := ARRAY['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
    part text[];
    span text[];
    item text;
    first integer;
    last integer;
BEGIN
    part := regexp_match(window_text, '^\s*([A-Za-z,-]+)\s+([01]\d|2[0-3]):([0-5]\d)\s*-\s*(?:(24):(00)|([01]\d|2[0-3]):([0-5]\d))(?:\s+([A-Za-z][A-Za-z0-9_+/-]*))?\s*$');
    IF part IS NOT NULL THEN
        opens := (part[2] || ':' || part[3])::time;
        closes := (coalesce(part[4], part[6]) || ':' || coalesce(part[5], part[7]))::time;
        zone := coalesce(part[8], 'UTC');
        IF lower(part[1]) = 'daily' THEN
            days := ARRAY[0, 1, 2, 3, 4, 5, 6];
        ELSE
            days := '{}';
            FOREACH item IN ARRAY string_to_array(lower(part[1]), ',') LOOP
                span := string_to_array(item, '-');
                first := array_position(names, span[1]) - 1;
                last := array_position(names, span[cardinality(span)]) - 1;
                IF first IS NULL OR last IS NULL OR cardinality(span) > 2 THEN
                    days := NULL;
                    EXIT;
                END IF;
                FOR ahead IN 0 .. (last - first + 7) % 7 LOOP
                    days := days || (first + ahead) % 7;
                END LOOP;
            END LOOP;
        END IF;
    END IF;
    IF part IS NULL OR days IS NULL OR opens = closes THEN
        RAISE invalid_parameter_value USING MESSAGE = format('"%s" is no window for maintenance', left(window_text, 80)),
              HINT = 'write it as "Sat 02:00-05:00 Europe/Paris", "Mon-Fri 22:00-04:00" or "daily 01:00-03:00"; without a zone it is UTC';
    END IF;
END $$;

-- The windows as they are kept; refuses what is none, and a zone that the store's server does not know.
CREATE FUNCTION fettle.change_windows_check(windows text[]) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    item text;
    named text;
BEGIN
    FOREACH item IN ARRAY windows LOOP
        SELECT p.zone INTO named FROM fettle.change_window_parse(item) p;
        -- an abbreviation, such as CET, is one offset all the year
        IF NOT EXISTS (SELECT FROM pg_timezone_names z WHERE z.name = named)
           OR (named NOT IN ('UTC', 'GMT') AND EXISTS (SELECT FROM pg_timezone_abbrevs b WHERE b.abbrev = upper(named))) THEN
            RAISE invalid_parameter_value USING MESSAGE = format('there is no time zone "%s"', left(named, 80)),
                  HINT = 'zones have names such as Europe/Paris; daylight saving is theirs';
        END IF;
    END LOOP;
    RETURN windows;
END $$;

-- The first time that a window is open at a moment or after it; no row: it cannot be told, for the store's server does not know its
-- zone (any more), and then the window is closed. Hours that the change to daylight saving leaves out are moved by it.
CREATE FUNCTION fettle.change_window_next(window_text text, moment timestamptz) RETURNS TABLE (opens_at timestamptz, closes_at timestamptz)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    RETURN QUERY
    SELECT m.opens_at, m.closes_at
      FROM fettle.change_window_parse(window_text) p
     CROSS JOIN generate_series(-1, 8) ahead
     CROSS JOIN LATERAL (SELECT (moment AT TIME ZONE p.zone)::date + ahead AS day) d
     CROSS JOIN LATERAL (SELECT d.day + p.opens AS opens,
                                d.day + CASE WHEN p.closes > p.opens THEN 0 ELSE 1 END + p.closes AS closes) l
     CROSS JOIN LATERAL (SELECT l.opens AT TIME ZONE p.zone AS opens_at, l.closes AT TIME ZONE p.zone AS closes_at) z
     -- one that opens within the hour that is left out, and closes after it, keeps its length
     CROSS JOIN LATERAL (SELECT z.opens_at, CASE WHEN z.closes_at > z.opens_at THEN z.closes_at
                                                 ELSE z.opens_at + (l.closes - l.opens) END AS closes_at) m
     WHERE extract(dow FROM d.day)::integer = ANY (p.days) AND m.closes_at > moment
     ORDER BY m.opens_at
     LIMIT 1;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN;
END $$;

-- The window that is open at a moment, else the next one; no row: there are none, or none that can be told.
CREATE FUNCTION fettle.change_window_at(windows text[], moment timestamptz) RETURNS TABLE (opens_at timestamptz, closes_at timestamptz)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT n.opens_at, n.closes_at
      FROM unnest($1) w (window_text)
     CROSS JOIN LATERAL fettle.change_window_next(w.window_text, $2) n
     ORDER BY n.opens_at, n.closes_at DESC
     LIMIT 1
    $$;

-- Whether what Fettle does by itself may begin now on a target.
CREATE FUNCTION fettle.change_window_is_open(target bigint, moment timestamptz) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT NOT EXISTS (SELECT FROM fettle.change_policies p
                        WHERE p.target_id = $1 AND p.windows <> '{}'
                          AND NOT EXISTS (SELECT FROM fettle.change_window_at(p.windows, $2) w WHERE w.opens_at <= $2))
    $$;

-- --- approved for later

-- An approved change that waits for its moment: a window for maintenance, or the next quiet hours of the forecast.
--   waiting ──► done | refused (it does not apply any more) | cancelled (by a person) | expired
-- What its recommendation said is kept, for an analysis may take that away meanwhile.
CREATE TABLE fettle.scheduled_changes (
    id bigserial PRIMARY KEY,
    target_id bigint NOT NULL DEFAULT fettle.sole_target() REFERENCES fettle.targets ON DELETE CASCADE,
    recommendation_id bigint REFERENCES fettle.optimization_recommendations ON DELETE SET NULL,
    recommendation_text text NOT NULL,
    moment varchar(10) NOT NULL CHECK (moment IN ('window', 'quiet')),
    planned_from timestamptz NOT NULL,
    planned_to timestamptz NOT NULL CHECK (planned_to > planned_from),
    expires_at timestamptz NOT NULL,
    sql text NOT NULL,
    query_hash bigint,
    notes text,
    pre_stats jsonb,
    state varchar(20) NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'refused', 'cancelled', 'expired')),
    message text,
    implementation_id bigint REFERENCES fettle.optimization_implementations ON DELETE SET NULL,
    requested_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    CHECK ((state = 'waiting') = (ended_at IS NULL))
);
CREATE UNIQUE INDEX scheduled_changes_waiting ON fettle.scheduled_changes (recommendation_id) WHERE state = 'waiting';
CREATE INDEX scheduled_changes_due ON fettle.scheduled_changes (planned_from) WHERE state = 'waiting';
CREATE INDEX scheduled_changes_target ON fettle.scheduled_changes (target_id, id DESC);
COMMENT ON COLUMN fettle.scheduled_changes.sql IS 'the statement that was approved; another one is not carried out';
COMMENT ON COLUMN fettle.scheduled_changes.message IS 'how it ended, or why it waits still';

-- A change that was handed over, and that no person stopped before anything was done, waits on: a pause held it, its moment was over
-- before its turn came, nobody took it, or the service stopped. Not at once, for what stood against it may stand there still.
CREATE FUNCTION fettle.scheduled_change_follow() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    UPDATE fettle.scheduled_changes s
       SET state = 'waiting', ended_at = NULL, implementation_id = NULL,
           message = CASE NEW.held_by WHEN 'pause' THEN 'a pause stopped it' WHEN 'moment' THEN 'its moment was over before its turn came'
                                      ELSE coalesce(NEW.error_message, 'nobody carried it out') END,
           planned_from = least(now() + interval '5 minutes', s.planned_to - interval '1 microsecond')
      FROM fettle.optimization_implementations i
     WHERE i.index_change_id = NEW.id AND s.implementation_id = i.id AND s.state = 'done'
       AND NOT EXISTS (SELECT FROM fettle.scheduled_changes w WHERE w.recommendation_id = s.recommendation_id AND w.state = 'waiting');
    RETURN NEW;
END $$;
CREATE TRIGGER scheduled_change_follow AFTER UPDATE OF state ON fettle.index_changes
    FOR EACH ROW WHEN (NEW.state IN ('failed', 'cancelled') AND (NEW.state = 'cancelled' OR NEW.started_at IS NULL)
                       AND (NOT NEW.cancel_requested OR NEW.held_by IS NOT NULL))
    EXECUTE FUNCTION fettle.scheduled_change_follow();

-- --- what did not earn its cost

ALTER TABLE fettle.index_recommendations
    ADD COLUMN unearned_id bigint;
COMMENT ON COLUMN fettle.index_recommendations.unearned_id IS 'the implementation that it takes back, for it did not earn its cost (no key: the tables would depend on each other in a ring); NULL: an analysis proposes it';

-- What the last round saw of an index: its scans since the counters began, its size and that of its table with all indexes, and the rows of the table that were written since
-- a moment. is_whole: its counters are of all the time since then. No row: the database is not collected, or the index is gone.
CREATE FUNCTION fettle.index_use_since(target bigint, database text, schema text, index_name text, since timestamptz)
    RETURNS TABLE (seen_at timestamptz, scans bigint, size_bytes bigint, table_bytes bigint, rows_written bigint, is_whole boolean)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
    WITH place AS (
        SELECT d.database_id FROM fettle.databases d WHERE d.target_id = $1 AND d.database_name = $2 ORDER BY d.database_id DESC LIMIT 1
    ), last AS (
        SELECT r.* FROM fettle.relation_rounds r JOIN place p ON p.database_id = r.database_id
         WHERE r.target_id = $1 ORDER BY r.collected_at DESC LIMIT 1
    ), first AS (
        SELECT r.* FROM fettle.relation_rounds r JOIN place p ON p.database_id = r.database_id
         WHERE r.target_id = $1 AND r.collected_at >= $5 ORDER BY r.collected_at LIMIT 1
    ), found AS (
        SELECT l.collected_at, l.statistics_reset_at, u.table_oid, u.scans, u.size
          FROM last l
         CROSS JOIN LATERAL unnest(l.relation_names, l.schema_names, string_to_array(l.kinds, NULL), l.table_oids, l.scans, l.sizes)
                            AS u (name, schema_name, kind, table_oid, scans, size)
         WHERE u.kind = 'i' AND u.name = $4 AND u.schema_name = $3
         LIMIT 1
    ), written AS (
        SELECT r.collected_at, u.inserted + u.updated - u.hot + u.deleted AS rows
          FROM (SELECT * FROM first UNION ALL SELECT * FROM last) r
         CROSS JOIN LATERAL unnest(r.relation_oids, r.rows_inserted, r.rows_updated, r.rows_updated_hot, r.rows_deleted)
                            AS u (relation_oid, inserted, updated, hot, deleted)
         WHERE u.relation_oid = (SELECT f.table_oid FROM found f)
    )
    SELECT f.collected_at, f.scans, f.size,
           (SELECT sum(v.size) FROM last l CROSS JOIN LATERAL unnest(l.table_oids, l.sizes) v (table_oid, size)
             WHERE v.table_oid = f.table_oid)::bigint,
           CASE WHEN w.is_same THEN greatest(w.most - w.least, 0) END,
           -- counters that began anew a while after it was made do not know the time before
           w.begins_at <= $5 + interval '1 day' AND coalesce(f.statistics_reset_at <= $5 + interval '1 day', true)
      FROM found f
     CROSS JOIN (SELECT (SELECT i.statistics_reset_at FROM first i) IS NOT DISTINCT FROM (SELECT l.statistics_reset_at FROM last l) AS is_same,
                        (SELECT i.collected_at FROM first i) AS begins_at,
                        (SELECT x.rows FROM written x ORDER BY x.collected_at DESC LIMIT 1) AS most,
                        (SELECT x.rows FROM written x ORDER BY x.collected_at LIMIT 1) AS least) w
    $$;

-- Indexes that Fettle made at least a week and at most a year ago, on a recommendation, and that are still there, of which either the measurement found no
-- improvement, or that nothing has scanned. What enforces uniqueness is not among them.
CREATE FUNCTION fettle.indexes_unearned(only_target bigint)
    RETURNS TABLE (implementation_id bigint, target_id bigint, database_name text, schema_name text, table_name text, index_name text,
                   columns text[], index_type text, create_statement text, scans bigint, size_bytes bigint, size_percent double precision,
                   reason text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT i.id, c.target_id, c.database_name::text, c.schema_name::text, c.table_name::text, c.index_name::text, c.columns, c.index_type::text,
           c.sql, u.scans, u.size_bytes, least(100.0 * u.size_bytes / nullif(u.table_bytes, 0), 100)::double precision,
           concat_ws('; ',
               'made on ' || to_char(i.implementation_timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD') || ' for '
                   || coalesce(round(i.predicted_percent::numeric) || ' %', 'a gain'),
               CASE WHEN i.status = 'pending' THEN 'its gain could not be measured'
                    WHEN i.actual_low IS NULL THEN 'measured ' || round(i.actual_improvement_percent::numeric, 1) || ' % without an interval'
                    ELSE 'measured ' || round(i.actual_improvement_percent::numeric, 1) || ' % (' || round(i.actual_low::numeric, 1) || ' to '
                         || round(i.actual_high::numeric, 1) || ')' END,
               CASE WHEN u.is_whole THEN 'scanned ' || u.scans || ' times since' END,
               'it takes ' || pg_size_pretty(u.size_bytes)
                   || coalesce(', and was written for ' || u.rows_written || ' changed rows of its table', ''),
               '"fettle undo ' || r.id || '" takes it back, too')
      FROM fettle.optimization_implementations i
      JOIN fettle.optimization_recommendations r ON r.id = i.recommendation_id AND r.source_type = 'index' AND r.source_id IS NOT NULL
      JOIN fettle.index_changes c ON c.id = i.index_change_id AND c.action = 'create' AND c.state = 'completed' AND NOT c.is_undo
     CROSS JOIN LATERAL fettle.index_use_since(c.target_id, c.database_name, c.schema_name, c.index_name, i.implementation_timestamp) u
     WHERE ($1 IS NULL OR r.target_id = $1)
       AND i.status IN ('pending', 'implemented', 'no_improvement', 'regressed') AND i.undo_change_id IS NULL
       AND i.implementation_timestamp BETWEEN now() - interval '1 year' AND now() - interval '7 days' AND u.seen_at > i.implementation_timestamp + interval '6 days'
       AND u.seen_at > now() - interval '2 days' AND u.size_bytes > 0
       AND (i.status IN ('no_improvement', 'regressed') OR (u.is_whole AND u.scans = 0))
       AND c.sql !~* '^\s*create\s+unique\s'
       -- a known replica may need what its primary does not scan
       AND NOT EXISTS (SELECT FROM fettle.targets a JOIN fettle.targets b ON b.system_identifier = a.system_identifier AND b.target_id <> a.target_id
                        WHERE a.target_id = c.target_id)
    $$;

-- Proposes to drop what did not earn its cost, and takes back what is not so any more; what it gains is the share of the table's space.
-- Not sure enough for being done unasked: a week has no month's end. What was dropped or dismissed stays so, and what is made again has a
-- month of its own.
CREATE FUNCTION fettle.indexes_unearned_refresh(only_target bigint) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    proposed bigint;
BEGIN
    WITH found AS MATERIALIZED (
        SELECT DISTINCT ON (u.target_id, u.database_name, u.schema_name, u.table_name, u.columns, u.index_type) u.*
          FROM fettle.indexes_unearned(only_target) u
         ORDER BY u.target_id, u.database_name, u.schema_name, u.table_name, u.columns, u.index_type, u.implementation_id DESC
    ), gone AS (
        DELETE FROM fettle.index_recommendations x
         WHERE x.unearned_id IS NOT NULL AND x.status = 'recommended' AND (only_target IS NULL OR x.target_id = only_target)
           AND NOT EXISTS (SELECT FROM found f
                            WHERE f.target_id = x.target_id AND f.database_name = x.database_name AND f.schema_name = x.schema_name
                              AND f.table_name = x.table_name AND f.columns = x.columns AND f.index_type = x.index_type)
    )
    INSERT INTO fettle.index_recommendations AS x (target_id, database_name, schema_name, table_name, index_name, columns, index_type,
           recommendation_type, confidence_score, usage_count, size_bytes, estimated_benefit, create_statement, reason, unearned_id)
    SELECT u.target_id, u.database_name, u.schema_name, u.table_name, u.index_name, u.columns, u.index_type, 'drop', 0.7, u.scans, u.size_bytes,
           u.size_percent, u.create_statement, 'it did not earn its cost: ' || u.reason, u.implementation_id
      FROM found u
        ON CONFLICT (target_id, database_name, schema_name, table_name, columns, index_type, recommendation_type) DO UPDATE
       SET index_name = excluded.index_name, usage_count = excluded.usage_count, size_bytes = excluded.size_bytes,
           create_statement = excluded.create_statement, reason = excluded.reason, unearned_id = excluded.unearned_id,
           confidence_score = excluded.confidence_score, estimated_benefit = excluded.estimated_benefit, status = 'recommended'
     -- an analysis's own proposal is surer; what a person dismissed, or was dropped within a month, is left
     WHERE (x.status = 'recommended' AND x.unearned_id IS NOT NULL)
        OR (x.status <> 'recommended' AND x.applied_at < now() - interval '30 days');
    GET DIAGNOSTICS proposed = ROW_COUNT;
    RETURN proposed;
END $$;
