-- Numbers for the product, by hours and days of UTC: what each means stands in docs/analytics.md. No id and no text of
-- anybody is in stats_hourly and stats_daily.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE stats_hourly (
    metric text NOT NULL,
    hour timestamptz NOT NULL,
    value double precision NOT NULL,
    PRIMARY KEY (metric, hour)
);

CREATE TABLE stats_daily (
    metric text NOT NULL,
    day date NOT NULL,
    value double precision NOT NULL,
    PRIMARY KEY (metric, day)
);

-- Which hours and days were computed, and when last: once soon after their end, once more a day later.
CREATE TABLE stats_filled (
    step text NOT NULL,
    at timestamptz NOT NULL,
    filled_at timestamptz NOT NULL,
    PRIMARY KEY (step, at)
);

-- On which days of a month the user signed in or asked for anything: bit 0 is the first. month is its first day.
CREATE TABLE activity (
    month date NOT NULL,
    user_id uuid NOT NULL,
    days bigint NOT NULL,
    PRIMARY KEY (month, user_id)
) WITH (fillfactor = 85);
CREATE INDEX activity_of_user ON activity (user_id);

-- So that an hour is read, and not the history. Built in a second of a million rows each; none of these columns changes.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX IF NOT EXISTS conversations_by_age ON conversations (created_at);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX IF NOT EXISTS users_by_age ON users (created_at);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX IF NOT EXISTS blocks_by_age ON blocks (created_at);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX IF NOT EXISTS reports_by_age ON reports (created_at);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX IF NOT EXISTS review_items_held ON review_items (created_at) WHERE kind = 'held';
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX IF NOT EXISTS reactions_by_age ON reactions USING brin (created_at) WITH (autosummarize = on);

-- As in 0001: nothing of this is for the holders of Supabase's anon key.
ALTER TABLE stats_hourly ENABLE ROW LEVEL SECURITY;
ALTER TABLE stats_daily ENABLE ROW LEVEL SECURITY;
ALTER TABLE stats_filled ENABLE ROW LEVEL SECURITY;
ALTER TABLE activity ENABLE ROW LEVEL SECURITY;
