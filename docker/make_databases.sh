#!/bin/bash
# Run once by the postgres image on an empty volume: a database each for Airflow, MLflow and the ledger,
# each owned by a role of its own that can enter no other.
set -euo pipefail

make_database() {
    psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
        --set name="$1" --set password="$2" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
}

make_database airflow "$AIRFLOW_DB_PASSWORD"
make_database mlflow "$MLFLOW_DB_PASSWORD"
make_database retrain "$RETRAIN_DB_PASSWORD"
