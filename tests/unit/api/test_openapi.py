"""The OpenAPI file in docs/ is the app's."""

from __future__ import annotations

from tests.builders import ROOT

from retrain.api.openapi import openapi_text


def test_the_file_in_docs_is_what_the_app_says() -> None:
    command = "python -m retrain.api.openapi docs/openapi.json"
    assert (ROOT / "docs" / "openapi.json").read_text() == openapi_text(), f"Write it again: {command}"
