"""Put the world back in line with the ledger, and say what was out of line."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from retrain.core.ledger.entries import Action, LedgerEntry
from retrain.core.ledger.standing import Standing
from retrain.core.names import PRODUCTION
from retrain.core.ports import Ledger, ModelRegistry
from retrain.core.spec import PipelineSpec
from retrain.errors import ConflictError, IntegrityError, NotFoundError, OutageError, RegistryError, RetrainError
from retrain.steps.pointer import project_alias, wish_back, wish_for
from retrain.steps.rollback import freeze_model

__all__ = ["Finding", "Trouble", "reconcile_all", "reconcile_model"]

_FRESH: Final = timedelta(hours=1)
"""How long after a move an alias that still names the version before it is one that has not followed yet."""


class Trouble(StrEnum):
    """What was out of line."""

    ALIAS_BEHIND = "alias behind"
    """The alias had not followed a fresh move yet, such as after a crash: mended without an alarm."""
    ALIAS_MOVED = "alias moved by hand"
    CHAMPION_GONE = "champion gone"
    CHAMPION_ALTERED = "champion altered"
    FORCE_EXPIRED = "forced version expired"
    LEDGER_ALTERED = "ledger altered"
    NOT_RECONCILED = "not reconciled"
    """An error stopped it, and that alone is no alarm: asked again, it goes on where it stopped."""


@dataclass(frozen=True)
class Finding:
    """One thing that was out of line, and what was done about it."""

    model: str
    trouble: Trouble
    detail: str
    done: str

    @property
    def alarming(self) -> bool:
        """Whether a person should know."""
        return self.trouble not in (Trouble.ALIAS_BEHIND, Trouble.NOT_RECONCILED)

    def __str__(self) -> str:
        return f"{self.model}: {self.trouble.value}: {self.detail}; {self.done}"


def reconcile_all(
    specs: Sequence[PipelineSpec], *, actor: str, registry: ModelRegistry, ledger: Ledger
) -> list[Finding]:
    """Verify the ledger, then reconcile every model.

    An altered ledger freezes them all, and nothing else is done: the world must not be put in line with it. A model that cannot
    be reconciled keeps none of the others from it, and takes no alarm with it: what was mended is not found a second time.

    Raises:
        RetrainError: A model could not be reconciled, and nothing alarming was found.
    """
    try:
        ledger.verify()
    except IntegrityError as error:
        return [Finding(spec.model, Trouble.LEDGER_ALTERED, error.got, _freeze(spec, actor, ledger)) for spec in specs]
    findings: list[Finding] = []
    errors: list[RetrainError] = []
    for spec in specs:
        try:
            for finding in _found(spec, actor, registry, ledger):
                findings.append(finding)  # noqa: PERF402 - what came before an error is kept
        except RetrainError as error:
            errors.append(error)
            findings.append(Finding(spec.model, Trouble.NOT_RECONCILED, str(error), "asked again, it goes on"))
    if errors and not any(finding.alarming for finding in findings):
        raise errors[0]
    return findings


def reconcile_model(spec: PipelineSpec, *, actor: str, registry: ModelRegistry, ledger: Ledger) -> list[Finding]:
    """Revert what expired, leave a champion that is gone or altered, and make the alias follow the pointer.

    Asked again at once, it finds nothing.

    Raises:
        OutageError: The ledger or the registry does not answer.
        ConflictError: Another move came first; ask again.
    """
    return list(_found(spec, actor, registry, ledger))


def _found(spec: PipelineSpec, actor: str, registry: ModelRegistry, ledger: Ledger) -> Iterator[Finding]:
    """Yield one finding a step, so that an error in the next does not take it along."""
    for step in (_revert_expired, _leave_broken, _mend_alias):
        finding = step(spec, actor, registry, ledger)
        if finding is not None:
            yield finding


def _freeze(spec: PipelineSpec, actor: str, ledger: Ledger) -> str:
    try:
        freeze_model(spec.model, PRODUCTION, actor=actor, reason="the ledger was altered", ledger=ledger)
    except IntegrityError:
        return "no move is possible until it is explained"
    return f"frozen until `retrain unfreeze {spec.model}`"


def _revert_expired(spec: PipelineSpec, actor: str, registry: ModelRegistry, ledger: Ledger) -> Finding | None:
    standing = ledger.standing(spec.model, PRODUCTION)
    forced = standing.champion
    if forced is None or forced.expires_at is None or ledger.now() < forced.expires_at:
        return None
    detail = f"version {forced.version}, forced by {forced.actor} ({forced.reason}), until {forced.expires_at:%Y-%m-%d %H:%M}"
    back = _first_sound(standing, registry)
    if back is None:
        return Finding(spec.model, Trouble.FORCE_EXPIRED, detail, "nothing to revert to: promote or force a version")
    reason = f"forced version {forced.version} expired"
    ledger.append(wish_back(Action.REVERT, back, forced, actor=actor, reason=reason))
    _follow(spec, registry, ledger)
    return Finding(spec.model, Trouble.FORCE_EXPIRED, detail, f"reverted to version {back.version}")


def _leave_broken(spec: PipelineSpec, actor: str, registry: ModelRegistry, ledger: Ledger) -> Finding | None:
    standing = ledger.standing(spec.model, PRODUCTION)
    champion = standing.champion
    if champion is None:
        return None
    try:
        _fetch(champion, registry)
    except NotFoundError as error:
        trouble, detail = Trouble.CHAMPION_GONE, f"version {champion.version}: {error.got}"
    except IntegrityError as error:
        trouble, detail = Trouble.CHAMPION_ALTERED, f"version {champion.version}: {error.got}"
    else:
        return None
    back = _first_sound(standing, registry)
    if back is None:
        return Finding(spec.model, trouble, detail, "no former champion is sound: retrain with a nonce")
    ledger.append(wish_back(Action.ROLLBACK, back, champion, actor=actor, reason=f"{trouble.value}: {detail}"))
    _follow(spec, registry, ledger)
    return Finding(spec.model, trouble, detail, f"rolled back to version {back.version}")


def _mend_alias(spec: PipelineSpec, actor: str, registry: ModelRegistry, ledger: Ledger) -> Finding | None:
    standing = ledger.standing(spec.model, PRODUCTION)
    champion = standing.champion
    alias = registry.alias_version(spec.model, spec.promotion.alias)
    if champion is None or alias == champion.version:
        return None
    detail = f"{spec.promotion.alias} names {f'version {alias}' if alias else 'nothing'}, the pointer version {champion.version}"
    before = alias == champion.previous_version
    if alias is not None and not before and spec.promotion.out_of_band == "adopt":
        refused = _adopt(spec, alias, standing, actor, registry, ledger)
        if not refused:
            return Finding(spec.model, Trouble.ALIAS_MOVED, detail, f"adopted version {alias}")
        detail = f"{detail}, which cannot be adopted ({refused})"
    try:
        project_alias(spec, registry=registry, ledger=ledger)
    except NotFoundError:
        return None  # the champion is gone, as `_leave_broken` has said, and nothing is left to name
    behind = before and ledger.now() - champion.at < _FRESH
    trouble = Trouble.ALIAS_BEHIND if behind else Trouble.ALIAS_MOVED
    return Finding(spec.model, trouble, detail, f"{spec.promotion.alias} names version {champion.version} again")


def _adopt(
    spec: PipelineSpec,
    alias: int,
    standing: Standing,
    actor: str,
    registry: ModelRegistry,
    ledger: Ledger,
) -> str:
    """Follow the alias; return why not, where that cannot be."""
    try:
        made = registry.find_version(spec.model, alias)
    except IntegrityError as error:
        return error.got
    if made is None:
        return "no retrain made it"
    if block := standing.find_block(made.key):
        return str(block)
    reason = "the alias was moved by hand"
    move = wish_for(Action.ADOPT, spec.model, PRODUCTION, made, actor=actor, reason=reason, ledger=ledger)
    if not move.decision_id:
        return "no decision on production is about it"
    try:
        with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
            registry.fetch(spec.model, alias, made.manifest_digest, Path(scratch))
        ledger.append(move)
    except (ConflictError, IntegrityError, NotFoundError) as error:
        return error.got
    return ""


def _follow(spec: PipelineSpec, registry: ModelRegistry, ledger: Ledger) -> None:
    """Have the alias follow a move; where it cannot, the finding on the move must not be lost, and `_mend_alias` says so."""
    with suppress(OutageError, RegistryError):
        project_alias(spec, registry=registry, ledger=ledger)


def _first_sound(standing: Standing, registry: ModelRegistry) -> LedgerEntry | None:
    """Return the latest former champion whose artifact is what was made."""
    for entry in standing.fallbacks():
        try:
            _fetch(entry, registry)
        except (IntegrityError, NotFoundError):
            continue
        return entry
    return None


def _fetch(entry: LedgerEntry, registry: ModelRegistry) -> None:
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        registry.fetch(entry.model, entry.version, entry.manifest_digest, Path(scratch))
