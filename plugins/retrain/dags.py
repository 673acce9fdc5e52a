"""DAGs: one per pipeline spec, one per operation on champions, and the import error that shows bad specs."""

from retrain.builder import DagDefaults, build_dag, build_operations, check_pipelines, load_dags

__all__ = ["DagDefaults", "build_dag", "build_operations", "check_pipelines", "load_dags"]
