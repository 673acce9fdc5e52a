"""The dependencies of routes: the user's access, and the ledger."""

from __future__ import annotations

from typing import Annotated, Final

from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.sdk.exceptions import AirflowNotFoundException
from fastapi import Depends, Request

from retrain.adapters.sql_ledger import SqlLedger
from retrain.api.access import Access
from retrain.api.capacity import threaded
from retrain.api.parameters import ModelParam
from retrain.api.verification import Verification
from retrain.errors import OutageError
from retrain.hooks import RetrainLedgerHook
from retrain.settings import LEDGER_CONNECTION

__all__ = ["AccessDep", "LedgerDep", "ReadableModel", "VerificationDep", "open_ledger"]

PATIENCE: Final = 5
"""How many seconds a page waits for a connection, a lock or a statement of the ledger's database."""


def open_ledger() -> SqlLedger:
    """Return the ledger of the platform's connection; it waits for no lock or statement as long as a task does.

    Raises:
        OutageError: There is no such connection.
    """
    try:
        return RetrainLedgerHook().get_conn(at_most=PATIENCE)
    except AirflowNotFoundException:
        raise OutageError(
            f"Airflow must have the connection {LEDGER_CONNECTION}", got="none", fix="Add it under Admin, Connections."
        ) from None


async def access_of(user: GetUserDep) -> Access:
    """Return the permissions of the signed-in user."""
    return Access(user)


async def verification_of(request: Request) -> Verification:
    """Return the checks of the ledger that all requests share."""
    found: Verification = request.app.state.verification
    return found


AccessDep = Annotated[Access, Depends(access_of)]
LedgerDep = Annotated[SqlLedger, Depends(threaded(open_ledger))]
VerificationDep = Annotated[Verification, Depends(verification_of)]


def readable_model(model: ModelParam, access: AccessDep) -> str:
    """Return the model's name after checking that the user may read its DAG."""
    access.need_read(model)
    return model


ReadableModel = Annotated[str, Depends(threaded(readable_model))]
