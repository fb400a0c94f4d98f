#!/bin/sh
# Makes a role and a database for each service, closed to the other roles; run again, it only sets the passwords.
# Usage: databases.sh FILE …   each file holds one service's URL: postgresql+psycopg://ROLE:PASSWORD@HOST:PORT/DATABASE
# The server and its superuser come from PGHOST, PGPORT, PGUSER and PGPASSWORD (or PGPASSWORD_FILE).
set -eu
if [ -n "${PGPASSWORD_FILE:-}" ]; then
    PGPASSWORD=$(cat "$PGPASSWORD_FILE")
    export PGPASSWORD
fi

sql() { psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname postgres >/dev/null; }

make() {
    url=$(cat "$1")
    login=${url#*://}
    login=${login%%@*}
    role=${login%%:*} password=${login#*:} database=${url##*/}
    export role password database
    # The password goes by the environment: an argument could be read in the list of processes.
    sql <<'END'
\getenv role role
\getenv password password
\getenv database database
SET log_statement = 'none';
SELECT format('CREATE ROLE %I', :'role')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I ENCODING ''UTF8'' TEMPLATE template0', :'database', :'role')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
END
    printf 'ready: %s\n' "$database"
}

for file; do
    make "$file"
done
# Nobody's business but the superuser's.
printf 'REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC;\n' | sql
