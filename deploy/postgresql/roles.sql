-- The owner migrates; the portal reads and writes and can alter nothing; the drill has an empty
-- database of its own and sees no other. Run as a superuser, once, before the first migration:
--   createdb hematon
--   psql -v ON_ERROR_STOP=1 -v database=hematon -v owner_password=... -v app_password=... \
--        -v drill_password=... -f roles.sql
CREATE ROLE hematon_owner LOGIN PASSWORD :'owner_password' NOSUPERUSER NOCREATEDB NOCREATEROLE;
CREATE ROLE hematon_app LOGIN PASSWORD :'app_password' NOSUPERUSER NOCREATEDB NOCREATEROLE;
CREATE ROLE hematon_drill LOGIN PASSWORD :'drill_password' NOSUPERUSER NOCREATEDB NOCREATEROLE;
CREATE DATABASE hematon_drill OWNER hematon_drill;
REVOKE ALL ON DATABASE hematon_drill FROM PUBLIC;
\ir grants.sql
