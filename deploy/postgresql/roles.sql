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
ALTER DATABASE :"database" OWNER TO hematon_owner;
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO hematon_app;
\connect :database
ALTER SCHEMA public OWNER TO hematon_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO hematon_app;
ALTER DEFAULT PRIVILEGES FOR ROLE hematon_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO hematon_app;
ALTER DEFAULT PRIVILEGES FOR ROLE hematon_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO hematon_app;
