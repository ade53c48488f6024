-- What the app's own server says of users, conversations and messages.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Refused, as somebody who is banned, but by the app and apart from a ban: lifting one leaves the other.
ALTER TABLE users ADD COLUMN deactivated_at timestamptz;

-- The app's own JSON, as text: jsonb refuses some of what JSON allows. Beside the rows that each send rewrites, which
-- must stay narrow.
CREATE TABLE user_data (
    user_id uuid PRIMARY KEY,
    data text NOT NULL
);
CREATE TABLE conversation_data (
    conversation_id uuid PRIMARY KEY,
    data text NOT NULL
);

-- A message that no phone is pushed for. Null costs nothing.
ALTER TABLE messages ADD COLUMN silent boolean;

-- As in 0001: nothing of this is for the holders of Supabase's anon key.
ALTER TABLE user_data ENABLE ROW LEVEL SECURITY;
ALTER TABLE conversation_data ENABLE ROW LEVEL SECURITY;
