"""The differences between two retrains: parameters, code, packages, spec, and periods of the data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from airflow.sdk.exceptions import AirflowNotFoundException

from retrain.api.breaker import Breaker
from retrain.api.schemas.problem import Unavailable
from retrain.api.schemas.retrain import Change, ChunkChange
from retrain.core.data.snapshot import Chunk, Snapshot
from retrain.core.policy.decision import Decision
from retrain.errors import NotFoundError, RetrainError
from retrain.hooks import MlflowHook, StoreHook
from retrain.settings import MLFLOW_CONNECTION

if TYPE_CHECKING:
    from retrain.adapters.mlflow_runs import MlflowRun

__all__ = ["changed_periods", "changes", "read_run", "read_snapshot"]

_TAGS: Final[dict[str, Literal["data", "code", "lock", "spec"]]] = {
    "retrain.snapshot": "data",
    "retrain.code": "code",
    "retrain.lock": "lock",
    "retrain.spec": "spec",
}


MLFLOW_SECONDS: Final = 3
"""How long a page waits for MLflow."""
_MLFLOW: Final = Breaker("the MLflow server")


def read_run(decision: Decision, unavailable: list[Unavailable]) -> MlflowRun | None:
    """Return the run of a decision's challenger; if MLflow cannot return it, note why and do not ask again."""
    if decision.challenger is None or any(item.part == "mlflow" for item in unavailable):
        return None
    try:
        with _MLFLOW.watch_call():
            return MlflowHook().read_run(decision.challenger.run_id, seconds=MLFLOW_SECONDS)
    except AirflowNotFoundException:
        unavailable.append(Unavailable(part="mlflow", reason=f"Airflow has no connection {MLFLOW_CONNECTION}"))
    except NotFoundError as error:
        unavailable.append(Unavailable(part=f"mlflow run of version {decision.challenger.version}", reason=str(error)))
    except RetrainError as error:
        unavailable.append(Unavailable(part="mlflow", reason=str(error)))
    return None


def read_snapshot(decision: Decision, unavailable: list[Unavailable]) -> Snapshot | None:
    """Return the snapshot of a decision; if the store cannot return it, note why."""
    if not decision.snapshot:
        return None
    try:
        return StoreHook().snapshots().load(decision.snapshot)
    except RetrainError as error:
        unavailable.append(Unavailable(part=f"snapshot {decision.snapshot[:12]}", reason=str(error)))
        return None


def changes(before: MlflowRun | None, after: MlflowRun | None) -> list[Change]:
    """Return what differs from one run to another; nothing if one of them is not known."""
    if before is None or after is None:
        return []
    tags = [
        Change(kind=kind, name=kind, before=before.tags.get(tag), after=after.tags.get(tag))
        for tag, kind in _TAGS.items()
    ]
    params = [
        Change(kind="param", name=name, before=before.params.get(name), after=after.params.get(name))
        for name in sorted({*before.params, *after.params})
    ]
    return [change for change in (*params, *tags) if change.before != change.after]


def changed_periods(before: Snapshot | None, after: Snapshot | None) -> list[ChunkChange]:
    """Return the calendar periods whose rows differ, oldest first; nothing if one snapshot is not known."""
    if before is None or after is None:
        return []
    old = {chunk.start: chunk for chunk in before.chunks}
    new = {chunk.start: chunk for chunk in after.chunks}
    return [
        ChunkChange(
            start=start, end=(new.get(start) or old[start]).end, rows=_rows(new, start), champion_rows=_rows(old, start)
        )
        for start in sorted(old.keys() | new.keys())
        if _sha(old, start) != _sha(new, start)
    ]


def _rows(chunks: Mapping[datetime, Chunk], start: datetime) -> int | None:
    return chunks[start].rows if start in chunks else None


def _sha(chunks: Mapping[datetime, Chunk], start: datetime) -> str | None:
    return chunks[start].sha256 if start in chunks else None
