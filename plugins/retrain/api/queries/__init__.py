"""The reads of the pages, one file per page: from ledger, stores and Airflow to one response."""
