-- A traced event's span: the trace goes on below it, also where a relay publishes what a dead process left. NULL: not
-- traced, as nearly all are; the column then costs a row nothing.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

ALTER TABLE outbox ADD COLUMN span bytea;
