"""Turns specs into DAGs."""

from retrain.builder.dag import build_dag
from retrain.builder.defaults import DagDefaults
from retrain.builder.folder import check_pipelines, load_dags
from retrain.builder.operations import build_operations

__all__ = ["DagDefaults", "build_dag", "build_operations", "check_pipelines", "load_dags"]
