"""The pipeline spec: what one YAML file declares."""

from retrain.core.spec.document import field_problems, load_spec, parse_spec, spec_json_schema
from retrain.core.spec.model import (
    BUILT_IN_READER,
    DataSpec,
    EvaluationSpec,
    PipelineSpec,
    PromotionSpec,
    TrainSpec,
    ValidationSpec,
    WindowSpec,
)
from retrain.core.spec.search import Distribution, SearchSpec

__all__ = [
    "BUILT_IN_READER",
    "DataSpec",
    "Distribution",
    "EvaluationSpec",
    "PipelineSpec",
    "PromotionSpec",
    "SearchSpec",
    "TrainSpec",
    "ValidationSpec",
    "WindowSpec",
    "field_problems",
    "load_spec",
    "parse_spec",
    "spec_json_schema",
]
