-- Messages and events over 32 partitions each, by hash of conversation_id: step 1 of 3, beside a running fleet
-- (docs/runbook.md, "Partition messages"). Makes the partitioned tables, and has every later change made there too.
-- psql --set ON_ERROR_STOP=1 --file 1-prepare.sql
-- undo.sql gives up again, as long as step 3 was not done.
BEGIN;
SET LOCAL lock_timeout = '5s';

CREATE TABLE messages_partitioned (
    LIKE messages INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMMENTS,
    CONSTRAINT messages_partitioned_pkey PRIMARY KEY (conversation_id, seq),
    CONSTRAINT messages_partitioned_sent_once UNIQUE (conversation_id, sender_id, client_id),
    CONSTRAINT messages_partitioned_id_conversation_id_key UNIQUE (id, conversation_id)
) PARTITION BY HASH (conversation_id);

-- A partition's own name of a broken constraint is what a service is told: it knows those that end in `_sent_once`.
DO $$
DECLARE
    part text;
BEGIN
    FOR number IN 0..31 LOOP
        part := format('messages_%s', lpad(number::text, 2, '0'));
        EXECUTE format(
            'CREATE TABLE %1$I (LIKE messages_partitioned INCLUDING ALL EXCLUDING INDEXES,
                CONSTRAINT %2$I PRIMARY KEY (conversation_id, seq),
                CONSTRAINT %3$I UNIQUE (conversation_id, sender_id, client_id),
                CONSTRAINT %4$I UNIQUE (id, conversation_id)
             ) WITH (autovacuum_vacuum_insert_scale_factor = 0.05)',
            part, part || '_pkey', part || '_sent_once', part || '_id_conversation_id_key');
        EXECUTE format(
            'ALTER TABLE messages_partitioned ATTACH PARTITION %I FOR VALUES WITH (MODULUS 32, REMAINDER %s)',
            part, number);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', part);
    END LOOP;
END
$$;
CREATE INDEX messages_partitioned_by_age ON messages_partitioned
    USING brin (created_at) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX messages_partitioned_touched ON messages_partitioned (conversation_id, rev) WHERE rev IS NOT NULL;
CREATE INDEX messages_partitioned_gone ON messages_partitioned (conversation_id, seq) WHERE deleted_at IS NOT NULL;
CREATE INDEX messages_partitioned_pinned ON messages_partitioned (conversation_id, seq) WHERE is_pinned;
CREATE INDEX messages_partitioned_replies ON messages_partitioned (conversation_id, reply_to, seq)
    WHERE reply_to IS NOT NULL;
CREATE INDEX messages_partitioned_mentioning ON messages_partitioned (conversation_id, seq) WHERE mentions IS NOT NULL;
CREATE INDEX messages_partitioned_with_files ON messages_partitioned (conversation_id, seq) WHERE attachments IS NOT NULL;
CREATE INDEX messages_partitioned_expiring ON messages_partitioned (expires_at) WHERE expires_at IS NOT NULL;
ALTER TABLE messages_partitioned ENABLE ROW LEVEL SECURITY;

-- A change and its copy are one transaction. Where the copy of step 2 has not come by yet, an update inserts.
CREATE FUNCTION copy_message_on_write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM messages_partitioned WHERE conversation_id = OLD.conversation_id AND seq = OLD.seq;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO messages_partitioned SELECT NEW.* ON CONFLICT (conversation_id, seq) DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER copy_on_write AFTER INSERT OR UPDATE OR DELETE ON messages
    FOR EACH ROW EXECUTE FUNCTION copy_message_on_write();

-- Copies what was there before, a batch a transaction, in the order of the key; it may be stopped and called again. The
-- rows of a batch are locked as it reads them, so that no update or delete of one falls between its reading and its copy.
CREATE PROCEDURE copy_messages(batch integer DEFAULT 5000, pause_seconds double precision DEFAULT 0.05)
LANGUAGE plpgsql AS $$
DECLARE
    done_conversation uuid := '00000000-0000-0000-0000-000000000000';
    done_seq bigint := 0;
    copied bigint;
BEGIN
    LOOP
        WITH next AS MATERIALIZED (
            SELECT * FROM messages WHERE (conversation_id, seq) > (done_conversation, done_seq)
            ORDER BY conversation_id, seq LIMIT batch FOR SHARE
        ), copies AS (
            INSERT INTO messages_partitioned SELECT * FROM next ON CONFLICT (conversation_id, seq) DO NOTHING
        )
        SELECT count(*), (array_agg(conversation_id ORDER BY conversation_id DESC, seq DESC))[1],
               (array_agg(seq ORDER BY conversation_id DESC, seq DESC))[1]
        INTO copied, done_conversation, done_seq FROM next;
        EXIT WHEN copied = 0;
        COMMIT;
        PERFORM pg_sleep(pause_seconds);
    END LOOP;
END
$$;

-- The same for `events`, the rest of each conversation's log: one conversation's are in the partition of the same number.
CREATE TABLE events_partitioned (
    LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMMENTS,
    CONSTRAINT events_partitioned_pkey PRIMARY KEY (conversation_id, seq)
) PARTITION BY HASH (conversation_id);

DO $$
DECLARE
    part text;
BEGIN
    FOR number IN 0..31 LOOP
        part := format('events_%s', lpad(number::text, 2, '0'));
        EXECUTE format(
            'CREATE TABLE %1$I (LIKE events_partitioned INCLUDING ALL EXCLUDING INDEXES,
                CONSTRAINT %2$I PRIMARY KEY (conversation_id, seq)
             ) WITH (autovacuum_vacuum_insert_scale_factor = 0.05)',
            part, part || '_pkey');
        EXECUTE format(
            'ALTER TABLE events_partitioned ATTACH PARTITION %I FOR VALUES WITH (MODULUS 32, REMAINDER %s)',
            part, number);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', part);
    END LOOP;
END
$$;
CREATE INDEX events_partitioned_of_message ON events_partitioned (conversation_id, message_id)
    WHERE message_id IS NOT NULL;
ALTER TABLE events_partitioned ENABLE ROW LEVEL SECURITY;

CREATE FUNCTION copy_event_on_write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM events_partitioned WHERE conversation_id = OLD.conversation_id AND seq = OLD.seq;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO events_partitioned SELECT NEW.* ON CONFLICT (conversation_id, seq) DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER copy_on_write AFTER INSERT OR UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION copy_event_on_write();

CREATE PROCEDURE copy_events(batch integer DEFAULT 5000, pause_seconds double precision DEFAULT 0.05)
LANGUAGE plpgsql AS $$
DECLARE
    done_conversation uuid := '00000000-0000-0000-0000-000000000000';
    done_seq bigint := 0;
    copied bigint;
BEGIN
    LOOP
        WITH next AS MATERIALIZED (
            SELECT * FROM events WHERE (conversation_id, seq) > (done_conversation, done_seq)
            ORDER BY conversation_id, seq LIMIT batch FOR SHARE
        ), copies AS (
            INSERT INTO events_partitioned SELECT * FROM next ON CONFLICT (conversation_id, seq) DO NOTHING
        )
        SELECT count(*), (array_agg(conversation_id ORDER BY conversation_id DESC, seq DESC))[1],
               (array_agg(seq ORDER BY conversation_id DESC, seq DESC))[1]
        INTO copied, done_conversation, done_seq FROM next;
        EXIT WHEN copied = 0;
        COMMIT;
        PERFORM pg_sleep(pause_seconds);
    END LOOP;
END
$$;

CREATE PROCEDURE copy_log(batch integer DEFAULT 5000, pause_seconds double precision DEFAULT 0.05)
LANGUAGE plpgsql AS $$
BEGIN
    CALL copy_messages(batch, pause_seconds);
    CALL copy_events(batch, pause_seconds);
END
$$;
COMMIT;
