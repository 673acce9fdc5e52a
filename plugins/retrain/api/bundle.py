"""The pages' code and icons as Airflow's UI loads them, each with the digest of its content in its address."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from retrain.core.digest import hash_file

__all__ = ["Bundle", "file_url"]

_FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {".js": "application/javascript", ".svg": "image/svg+xml"}
"""Said here, because a machine may take them for something else."""
_A_YEAR: Final = "public, max-age=31536000, immutable"


class Bundle(StaticFiles):
    """Serves the pages' code and icons to everybody, because they hold no data."""

    def __init__(self) -> None:
        super().__init__(directory=_FOLDER, check_dir=False)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file; a browser caches it if its address holds the digest."""
        response = await super().get_response(path, scope)
        named = scope.get("query_string", b"") == f"v={digest_of_file(path)}".encode()
        response.headers["cache-control"] = _A_YEAR if named else "no-cache"
        response.headers["x-content-type-options"] = "nosniff"
        if (kind := _TYPES.get(Path(path).suffix)) is not None:
            response.headers["content-type"] = kind
        return response


def file_url(prefix: str, name: str) -> str:
    """Return a file's address below the app's prefix, relative to Airflow's base URL."""
    return f"{prefix.lstrip('/')}/static/{name}?v={digest_of_file(name)}"


@cache
def digest_of_file(name: str) -> str:
    """Return the first digits of a file's sha256; empty if it was not built."""
    path = _FOLDER / name
    return hash_file(path)[:16] if path.is_file() else ""
