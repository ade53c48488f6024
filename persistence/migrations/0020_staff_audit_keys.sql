-- Who may do more than a user: moderators and admins, and the app's own server by its keys; and what all of these did.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE roles (
    user_id uuid PRIMARY KEY,
    role text NOT NULL CHECK (role IN ('moderator', 'admin')),
    granted_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', now())
);

-- hash is the SHA-256 of a key's secret, which is 256 random bits: no slower hash is needed. used_at is kept to the
-- minute. A key that was revoked stays, so that the audit log can be read.
CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', now()),
    expires_at timestamptz,
    revoked_at timestamptz,
    used_at timestamptz
);

-- Insert only. actor_kind is user, key or cli; actor a user's id, a key's id, or the operating system's name of who
-- ran a command. act_as is the user whom a key spoke for. No message's text ever stands in details.
CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp()),
    actor_kind text NOT NULL,
    actor text NOT NULL,
    act_as uuid,
    action text NOT NULL,
    subject_kind text NOT NULL,
    subject text NOT NULL,
    reason text,
    request_id text,
    details jsonb
);
CREATE INDEX audit_log_by_actor ON audit_log (actor, id);
CREATE INDEX audit_log_by_subject ON audit_log (subject, id);
CREATE INDEX audit_log_by_age ON audit_log USING brin (at);

-- Rows past AUDIT_DAYS go in a transaction that says so by a setting of its own: a role for it could not be made on
-- every managed Postgres. Nothing changes a row.
CREATE FUNCTION audit_log_is_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('parley.audit_retention', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit_log takes inserts only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_log_rows BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_is_insert_only();
CREATE TRIGGER audit_log_whole BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_insert_only();

-- As in 0001: nothing of this is for the holders of Supabase's anon key.
ALTER TABLE roles ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
