-- A role that reads the numbers for the product and nothing else, for Grafana or a warehouse. Run it as the owner of
-- Parley's tables, once: psql -v ON_ERROR_STOP=1 -v password="'…'" -f reader.sql "$DATABASE_URL"
CREATE ROLE parley_reader LOGIN PASSWORD :password;
ALTER ROLE parley_reader SET statement_timeout = '30s';
ALTER ROLE parley_reader SET default_transaction_read_only = on;
GRANT USAGE ON SCHEMA public TO parley_reader;
GRANT SELECT ON stats_hourly, stats_daily TO parley_reader;
-- Both tables have row level security, as all have.
CREATE POLICY parley_reader ON stats_hourly FOR SELECT TO parley_reader USING (true);
CREATE POLICY parley_reader ON stats_daily FOR SELECT TO parley_reader USING (true);
