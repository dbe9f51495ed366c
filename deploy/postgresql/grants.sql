-- Who may do what in one database: hematon_owner owns it and migrates, hematon_app reads and writes
-- the tables that hematon_owner makes from now on. Before the first migration (roles.sql does it) and
-- before a restore, as a superuser:
--   psql -v ON_ERROR_STOP=1 -v database=hematon_new -f grants.sql
ALTER DATABASE :"database" OWNER TO hematon_owner;
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO hematon_app;
\connect :"database"
ALTER SCHEMA public OWNER TO hematon_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO hematon_app;
ALTER DEFAULT PRIVILEGES FOR ROLE hematon_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO hematon_app;
ALTER DEFAULT PRIVILEGES FOR ROLE hematon_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO hematon_app;
