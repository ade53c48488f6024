-- A device knows the sign-in that registered it, so that a revoked one hears nothing more; apps keep toggles of their own.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- session_id is that of the token which registered the device last; NULL: it named none, or an older release took it.
-- signed_in_at is when that sign-in first registered it, registered_at when it last did.
ALTER TABLE devices ADD COLUMN session_id text, ADD COLUMN signed_in_at timestamptz;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX devices_by_session ON devices (session_id) WHERE session_id IS NOT NULL;
-- A device id belongs to one user at a time.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX devices_by_device_id ON devices (device_id) WHERE device_id IS NOT NULL;

-- `*_enabled` of the app's own, name -> boolean.
ALTER TABLE preferences ADD COLUMN toggles jsonb NOT NULL DEFAULT '{}';
