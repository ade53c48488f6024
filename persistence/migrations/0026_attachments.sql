-- Files: what was announced, what became of it, and who keeps it.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- One row a file and place: a forward makes another row that shares the bytes. conversation_id null: an avatar.
-- message_seq: the message that holds it; null while none does. state: waiting, processing, ready, rejected, or expired.
-- blob names the bytes: that of an upload is its own id. poster: the blob whose thumbnail stands for this one's.
-- waveform is JSON. size is as announced, stored_size what is kept of it. expires_at: until when an unfinished one may go on, and an unused one is kept. writer is the request
-- that writes now, and writer_until how long it may: an upload has one at a time over all processes.
CREATE TABLE attachments (
    id uuid PRIMARY KEY,
    conversation_id uuid,
    message_seq bigint,
    owner_id uuid NOT NULL,
    client_id text NOT NULL,
    state text NOT NULL,
    reason text,
    kind text NOT NULL,
    name text NOT NULL,
    content_type text NOT NULL,
    size bigint NOT NULL,
    stored_size bigint,
    width bigint,
    height bigint,
    duration_ms bigint,
    waveform text,
    thumbhash text,
    is_encrypted boolean NOT NULL DEFAULT false,
    blob uuid NOT NULL,
    poster uuid,
    has_thumb boolean NOT NULL DEFAULT false,
    sha256 text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    writer uuid,
    writer_until timestamptz
);
CREATE UNIQUE INDEX attachments_once ON attachments (owner_id, client_id);
CREATE INDEX attachments_of_message ON attachments (conversation_id, message_seq) WHERE message_seq IS NOT NULL;
CREATE INDEX attachments_of_blob ON attachments (blob);
CREATE INDEX attachments_of_poster ON attachments (poster) WHERE poster IS NOT NULL;
CREATE INDEX attachments_unused ON attachments (expires_at) WHERE message_seq IS NULL;
CREATE INDEX attachments_processing ON attachments (writer_until) WHERE state = 'processing';

-- What keeps a file beside a message: holder is user_avatar, conversation_avatar, draft, scheduled or held, and
-- holder_id the user, the conversation, or the thing.
CREATE TABLE attachment_holds (
    attachment_id uuid NOT NULL,
    holder text NOT NULL,
    holder_id uuid NOT NULL,
    PRIMARY KEY (attachment_id, holder, holder_id)
);
CREATE INDEX attachment_holds_of ON attachment_holds (holder, holder_id);

-- The bytes, as storage has them. due_at: from when on the collector takes them, if no attachment has them then; a blob
-- that nobody has never gets another one. has_parts: pieces of the upload may still lie beside it.
CREATE TABLE blobs (
    id uuid PRIMARY KEY,
    due_at timestamptz,
    has_parts boolean NOT NULL DEFAULT true,
    touched_at timestamptz NOT NULL
);
CREATE INDEX blobs_due ON blobs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX blobs_with_parts ON blobs (touched_at) WHERE has_parts;

-- What a user announced in a day, in bytes and files.
CREATE TABLE attachment_days (
    user_id uuid NOT NULL,
    day date NOT NULL,
    bytes bigint NOT NULL,
    files bigint NOT NULL,
    PRIMARY KEY (user_id, day)
);

-- The lines of history that the collector has seen: after another one it waits.
CREATE TABLE blob_epochs (
    epoch text PRIMARY KEY,
    first_seen timestamptz NOT NULL
);

-- What pages and frames show of a message's files, as JSON, written once when it is sent; placeholder: the text stands
-- for them. Null costs a message without files nothing.
ALTER TABLE messages
    ADD COLUMN attachments text,
    ADD COLUMN placeholder boolean;

-- As in 0001: nothing of this is for the holders of Supabase's anon key.
ALTER TABLE attachments ENABLE ROW LEVEL SECURITY;
ALTER TABLE attachment_holds ENABLE ROW LEVEL SECURITY;
ALTER TABLE blobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE attachment_days ENABLE ROW LEVEL SECURITY;
ALTER TABLE blob_epochs ENABLE ROW LEVEL SECURITY;
