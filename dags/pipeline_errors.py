"""Shows bad pipeline specs as an import error of this file, so that Airflow hides no DAG of the good ones."""

from pathlib import Path

from retrain.dags import check_pipelines

check_pipelines(Path(__file__).parent.parent / "include" / "pipelines")
