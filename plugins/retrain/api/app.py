"""The app behind the pages, which Airflow mounts under ``/retrain``."""

from __future__ import annotations

from airflow.api_fastapi.core_api.security import get_user
from fastapi import APIRouter, Depends, FastAPI

from retrain import __version__
from retrain.api.bundle import Bundle
from retrain.api.problems import PROBLEMS, add_handlers
from retrain.api.routes import fleet, ledger, model, operations
from retrain.api.security import BodyLimit, RefusalLimit
from retrain.api.verification import Verification

__all__ = ["create_app"]


def create_app() -> FastAPI:
    """Return the app; every route authenticates the user, except that of the bundle's code."""
    app = FastAPI(
        title="retrain",
        version=__version__,
        description="Which models are in production, why, and what may be done about it.",
        dependencies=[Depends(get_user)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        responses=PROBLEMS,
        generate_unique_id_function=lambda route: route.name,
    )
    api = APIRouter(prefix="/api")
    for router in (fleet.router, model.runs, model.router, ledger.router, operations.router):
        api.include_router(router)
    app.include_router(api)
    app.mount("/static", Bundle())
    app.state.refusals = RefusalLimit()
    app.state.verification = Verification()
    app.add_middleware(BodyLimit)
    add_handlers(app)
    return app
