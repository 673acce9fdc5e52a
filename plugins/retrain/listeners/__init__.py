"""Airflow listeners, which run in the scheduler when a run changes its state."""
