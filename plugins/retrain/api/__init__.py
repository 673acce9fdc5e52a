"""The pages inside Airflow: a typed API over the ledger, and the bundle that shows it."""
