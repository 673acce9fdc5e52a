"""The pages' code as Airflow's UI loads it: one file, named with the digest of what is in it."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

__all__ = ["Bundle", "bundle_url"]

_FOLDER: Final = Path(__file__).parent / "static"
_NAME: Final = "retrain.js"
_A_YEAR: Final = "public, max-age=31536000, immutable"


class Bundle(StaticFiles):
    """Serves the bundle: to everybody, for it holds code and nothing else."""

    def __init__(self) -> None:
        super().__init__(directory=_FOLDER, check_dir=False)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file; a browser keeps it where its address names what is in it."""
        response = await super().get_response(path, scope)
        named = scope.get("query_string", b"") == f"v={digest()}".encode()
        response.headers["cache-control"] = _A_YEAR if named else "no-cache"
        response.headers["x-content-type-options"] = "nosniff"
        return response


def bundle_url(prefix: str) -> str:
    """Return the bundle's address below the app's prefix, relative to Airflow's base URL."""
    return f"{prefix.lstrip('/')}/static/{_NAME}?v={digest()}"


@cache
def digest() -> str:
    """Return the first digits of the bundle's sha256; empty where it was not built."""
    path = _FOLDER / _NAME
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else ""
