"""The pipeline spec: what one YAML file declares."""

from retrain.core.spec.document import field_problems, load_spec, parse_spec, spec_json_schema
from retrain.core.spec.folder import find_duplicates, find_spec_in, list_models, list_spec_files, read_specs
from retrain.core.spec.model import (
    BUILT_IN_READER,
    BUILT_IN_VALIDATOR,
    DataSpec,
    EvaluationSpec,
    ExecutionSpec,
    PipelineSpec,
    PromotionSpec,
    TrainSpec,
    ValidationSpec,
    WindowSpec,
)
from retrain.core.spec.search import Distribution, SearchSpec

__all__ = [
    "BUILT_IN_READER",
    "BUILT_IN_VALIDATOR",
    "DataSpec",
    "Distribution",
    "EvaluationSpec",
    "ExecutionSpec",
    "PipelineSpec",
    "PromotionSpec",
    "SearchSpec",
    "TrainSpec",
    "ValidationSpec",
    "WindowSpec",
    "field_problems",
    "find_duplicates",
    "find_spec_in",
    "list_models",
    "list_spec_files",
    "load_spec",
    "parse_spec",
    "read_specs",
    "spec_json_schema",
]
