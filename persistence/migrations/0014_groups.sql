-- Groups that govern themselves: who is what in them, how they are set, and what that means for a sender.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Beside conversations, whose row every send writes anew. Whoever changes who is in a group, as what, or how it is set,
-- locks this row before any other. A group that has none was made by a release without roles: who made it owns it.
-- Each of the four words is members or admins: who may add people, edit what the group is called, pin, and send.
CREATE TABLE groups (
    conversation_id uuid PRIMARY KEY,
    description text,
    avatar uuid,
    add_by text NOT NULL DEFAULT 'admins',
    edit_by text NOT NULL DEFAULT 'admins',
    pin_by text NOT NULL DEFAULT 'admins',
    send_by text NOT NULL DEFAULT 'members',
    expire_seconds bigint,
    slow_seconds bigint NOT NULL DEFAULT 0
);

-- role is owner or admin; null is a member, as nearly everybody. removed_at: others took this one out, who does not
-- come back by an invite. What follows is for the send, which locks the sender's own row and so looks up no more:
-- reads_only and slow_seconds are what the group's settings mean for this member (null: nothing), expire_seconds is the
-- group's own, and next_send_at is set by a send where slow_seconds is.
ALTER TABLE participants
    ADD COLUMN role text,
    ADD COLUMN removed_at timestamptz,
    ADD COLUMN reads_only boolean NOT NULL DEFAULT false,
    ADD COLUMN slow_seconds bigint,
    ADD COLUMN expire_seconds bigint,
    ADD COLUMN next_send_at timestamptz;

-- Whose names the event's frame shows beside their ids.
ALTER TABLE events ADD COLUMN named uuid[];

-- As in 0001: nothing of this is for the holders of Supabase's anon key.
ALTER TABLE groups ENABLE ROW LEVEL SECURITY;
