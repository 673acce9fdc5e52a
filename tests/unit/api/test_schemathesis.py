"""Whatever the OpenAPI file lets one ask, and what it does not, gets an answer that the file knows, and never a 5xx."""

from __future__ import annotations

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import content_type_conformance, not_a_server_error, response_schema_conformance
from schemathesis.checks import status_code_conformance as known_status
from schemathesis.generation import GenerationMode
from tests.builders import MODEL
from tests.unit.api.conftest import Pages, token_of

from retrain.api.openapi import openapi_text

SCHEMA = schemathesis.openapi.from_dict(json.loads(openapi_text()))
_RESULTS: Any = SCHEMA.get_all_operations()
OPERATIONS = {operation.label: operation for operation in (result.ok() for result in _RESULTS)}
CHECKS = [not_a_server_error, known_status, content_type_conformance, response_schema_conformance]


@pytest.mark.parametrize("label", OPERATIONS)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_breaks_the_app(pages: Pages, label: str, mode: GenerationMode) -> None:
    operation = OPERATIONS[label]
    operation.schema.app = operation.app = pages.app
    headers = {"authorization": f"Bearer {token_of('ann')}", "x-retrain-request": "1"}

    @settings(max_examples=8, suppress_health_check=list(HealthCheck), database=None, deadline=None)
    @given(case=operation.as_strategy(generation_mode=mode), known=st.booleans())
    def ask(case: Any, known: bool) -> None:
        if known and "model" in case.path_parameters:
            case.path_parameters["model"] = MODEL  # or nothing past the permission would be reached
        case.call_and_validate(headers=headers, checks=CHECKS)

    ask()
