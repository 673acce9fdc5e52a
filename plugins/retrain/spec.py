"""Pipeline specs: read one, check one, and the JSON Schema that editors know them by."""

from retrain.core.spec import PipelineSpec, load_spec, parse_spec, spec_json_schema

__all__ = ["PipelineSpec", "load_spec", "parse_spec", "spec_json_schema"]
