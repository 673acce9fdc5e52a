"""Write the API's OpenAPI file: ``python -m retrain.api.openapi docs/openapi.json``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

__all__ = ["openapi_text"]


def openapi_text() -> str:
    """Return the OpenAPI document of the app as the file holds it."""
    from retrain.api.app import create_app

    document = create_app().openapi() | {"servers": [{"url": "/retrain"}]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(openapi_text(), encoding="utf-8")
