"""From specs to DAGs."""

from retrain.builder.dag import build_dag
from retrain.builder.folder import check_pipelines, load_dags

__all__ = ["build_dag", "check_pipelines", "load_dags"]
