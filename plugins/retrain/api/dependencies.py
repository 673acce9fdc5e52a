"""The dependencies of routes: the user's access, and the ledger."""

from __future__ import annotations

from typing import Annotated

from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.sdk.exceptions import AirflowNotFoundException
from fastapi import Depends

from retrain.adapters.sql_ledger import SqlLedger
from retrain.api.access import Access
from retrain.api.parameters import ModelParam
from retrain.errors import OutageError
from retrain.hooks import RetrainLedgerHook
from retrain.settings import LEDGER_CONNECTION

__all__ = ["AccessDep", "LedgerDep", "ReadableModel", "open_ledger"]


def open_ledger() -> SqlLedger:
    """Return the ledger of the platform's connection.

    Raises:
        OutageError: There is no such connection.
    """
    try:
        return RetrainLedgerHook().get_conn()
    except AirflowNotFoundException:
        raise OutageError(
            f"Airflow must have the connection {LEDGER_CONNECTION}", got="none", fix="Add it under Admin, Connections."
        ) from None


def access_of(user: GetUserDep) -> Access:
    """Return the permissions of the signed-in user."""
    return Access(user)


AccessDep = Annotated[Access, Depends(access_of)]
LedgerDep = Annotated[SqlLedger, Depends(open_ledger)]


def readable_model(model: ModelParam, access: AccessDep) -> str:
    """Return the model's name after checking that the user may read its DAG."""
    access.need_read(model)
    return model


ReadableModel = Annotated[str, Depends(readable_model)]
