"""A DAG per pipeline spec; Airflow finds this file by the words airflow and dag."""

from pathlib import Path

from retrain.dags import load_dags

load_dags(Path(__file__).parent.parent / "include" / "pipelines")
