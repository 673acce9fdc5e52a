"""What the pages read, a file a page: from ledger, stores and Airflow to one answer."""
