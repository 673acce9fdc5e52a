#!/bin/bash
# The postgres image runs this once, on an empty volume. It creates one database each for Airflow, MLflow and the ledger, owned by
# a role that can connect to no other database.
set -euo pipefail

make_database() {
    PASSWORD="$2" psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres --set name="$1" <<'SQL'
\getenv password PASSWORD
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
}

make_database airflow "$AIRFLOW_DB_PASSWORD"
make_database mlflow "$MLFLOW_DB_PASSWORD"
make_database retrain "$RETRAIN_DB_PASSWORD"
