"""Bring registry and champions back in line with the ledger, and report what was not."""

from __future__ import annotations

import tempfile
import time
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
from retrain.core.policy.decision import Challenger, Choice
from retrain.core.ports import HeadLog, Ledger, ModelRegistry
from retrain.core.resources import Resources
from retrain.core.spec import PipelineSpec
from retrain.errors import ConflictError, IntegrityError, NotFoundError, OutageError, RegistryError, RetrainError
from retrain.steps.freeze import freeze_model
from retrain.steps.pointer import project_alias, propose_move, propose_return
from retrain.steps.smoke_test import smoke_test_version

__all__ = ["SECONDS_TO_SECOND_LOOK", "Finding", "Trouble", "reconcile_all", "reconcile_model"]

SECONDS_TO_SECOND_LOOK: float = 3.0
"""How long a champion that was found broken has until a second look decides."""

_FRESH: Final = timedelta(hours=1)
"""For how long after a move an alias on the previous version counts as late, not as moved by hand."""


class Trouble(StrEnum):
    """What was not in line with the ledger."""

    ALIAS_BEHIND = "alias behind"
    """The alias had not followed a recent move yet, for example after a crash: repaired without an alarm."""
    ALIAS_MOVED = "alias moved by hand"
    CHAMPION_GONE = "champion gone"
    CHAMPION_ALTERED = "champion altered"
    FORCE_EXPIRED = "forced version expired"
    LEDGER_ALTERED = "ledger altered"
    NOT_RECONCILED = "not reconciled"
    """An error stopped the repair. That alone is not an alarm: the next reconcile continues."""


@dataclass(frozen=True)
class Finding:
    """One thing that was not in line with the ledger, and what was done about it."""

    model: str
    trouble: Trouble
    detail: str
    done: str

    @property
    def alarming(self) -> bool:
        """Whether a person must act."""
        return self.trouble not in (Trouble.ALIAS_BEHIND, Trouble.NOT_RECONCILED)

    def __str__(self) -> str:
        return f"{self.model}: {self.trouble.value}: {self.detail}; {self.done}"


def reconcile_all(
    specs: Sequence[PipelineSpec], resources: Resources, *, actor: str, heads: HeadLog | None = None
) -> list[Finding]:
    """Verify the ledger, also against the last head that was kept elsewhere, then reconcile every model.

    An altered ledger freezes every model, and nothing else is done: nothing may be brought in line with it. A model that cannot
    be reconciled neither stops the others nor loses their findings, because a repaired fault is found only once.

    Raises:
        RetrainError: A model could not be reconciled, and nothing alarming was found.
    """
    try:
        _verify(resources.ledger, heads)
    except IntegrityError as error:
        return [
            Finding(spec.model, Trouble.LEDGER_ALTERED, error.got, _freeze(spec, actor, resources.ledger))
            for spec in specs
        ]
    findings: list[Finding] = []
    errors: list[RetrainError] = []
    for spec in specs:
        try:
            for finding in _repair(spec, actor, resources):
                findings.append(finding)  # noqa: PERF402 - what came before an error is kept
        except RetrainError as error:
            errors.append(error)
            findings.append(Finding(spec.model, Trouble.NOT_RECONCILED, str(error), "the next reconcile continues"))
    if errors and not any(finding.alarming for finding in findings):
        raise errors[0]
    return findings


def _verify(ledger: Ledger, heads: HeadLog | None) -> None:
    head = ledger.verify()
    if heads is None:
        return
    if (kept := heads.last()) is not None:
        ledger.verify(kept)
    heads.keep(head)


def reconcile_model(spec: PipelineSpec, resources: Resources, *, actor: str) -> list[Finding]:
    """Revert an expired force, replace a champion that is gone or altered, and make the alias follow the pointer.

    A second call right after it finds nothing.

    Raises:
        OutageError: The ledger or the registry does not answer.
        ConflictError: Another move came first; call again.
    """
    return list(_repair(spec, actor, resources))


def _repair(spec: PipelineSpec, actor: str, resources: Resources) -> Iterator[Finding]:
    """Yield the finding of each repair, so that an error in a later repair does not lose it."""
    for repair in (_revert_expired, _replace_broken, _repair_alias):
        finding = repair(spec, actor, resources)
        if finding is not None:
            yield finding


def _freeze(spec: PipelineSpec, actor: str, ledger: Ledger) -> str:
    try:
        freeze_model(spec.model, PRODUCTION, actor=actor, reason="the ledger was altered", ledger=ledger)
    except IntegrityError:
        return "no move is possible until it is explained"
    return f"frozen until `retrain unfreeze {spec.model}`"


def _revert_expired(spec: PipelineSpec, actor: str, resources: Resources) -> Finding | None:
    ledger = resources.ledger
    standing = ledger.standing(spec.model, PRODUCTION)
    forced = standing.champion
    if forced is None or forced.expires_at is None or ledger.now() < forced.expires_at:
        return None
    detail = f"version {forced.version}, forced by {forced.actor} ({forced.reason}), until {forced.expires_at:%Y-%m-%d %H:%M}"
    fallback = _find_sound_fallback(spec, standing, resources)
    if fallback is None:
        return Finding(spec.model, Trouble.FORCE_EXPIRED, detail, "nothing to revert to: promote or force a version")
    reason = f"forced version {forced.version} expired"
    ledger.append(propose_return(Action.REVERT, fallback, forced, actor=actor, reason=reason))
    _follow(spec, resources)
    return Finding(spec.model, Trouble.FORCE_EXPIRED, detail, f"reverted to version {fallback.version}")


def _replace_broken(spec: PipelineSpec, actor: str, resources: Resources) -> Finding | None:
    registry, ledger = resources.registry, resources.ledger
    standing = ledger.standing(spec.model, PRODUCTION)
    champion = standing.champion
    if champion is None:
        return None
    if _find_fault(champion, registry) is None:
        return None
    time.sleep(SECONDS_TO_SECOND_LOOK)
    fault = _find_fault(champion, registry)
    if fault is None:
        return None  # one bad answer of the registry is not a broken champion
    trouble, detail = fault
    fallback = _find_sound_fallback(spec, standing, resources)
    if fallback is None:
        return Finding(spec.model, trouble, detail, f"no former champion is intact: {_way_forward(spec)}")
    # Not a rollback, which would quarantine the key: the artifact is to blame, and a retrain may make it again.
    ledger.append(propose_return(Action.REVERT, fallback, champion, actor=actor, reason=f"{trouble.value}: {detail}"))
    _follow(spec, resources)
    return Finding(spec.model, trouble, detail, f"reverted to version {fallback.version}")


def _way_forward(spec: PipelineSpec) -> str:
    return f"restore it, or retrain with a nonce and then run `retrain promote {spec.model} VERSION --force`"


def _repair_alias(spec: PipelineSpec, actor: str, resources: Resources) -> Finding | None:
    ledger = resources.ledger
    standing, alias = _read_standing_and_alias(spec, resources)
    champion = standing.champion
    if champion is None or alias == champion.version:
        return None
    detail = f"{spec.promotion.alias} names {f'version {alias}' if alias else 'nothing'}, the pointer version {champion.version}"
    before = alias == champion.previous_version
    if alias is not None and not before and spec.promotion.out_of_band == "adopt":
        refused = _adopt(spec, alias, standing, actor, resources)
        if not refused:
            return Finding(spec.model, Trouble.ALIAS_MOVED, detail, f"adopted version {alias}")
        detail = f"{detail}, which cannot be adopted ({refused})"
    try:
        project_alias(spec, resources)
    except (IntegrityError, NotFoundError) as error:
        if _find_fault(champion, resources.registry) is not None:
            return None  # `_replace_broken` reported it: no version is left to point at
        return Finding(spec.model, Trouble.ALIAS_MOVED, detail, f"the alias cannot follow: {error.got}")
    behind = before and ledger.now() - champion.at < _FRESH
    trouble = Trouble.ALIAS_BEHIND if behind else Trouble.ALIAS_MOVED
    return Finding(spec.model, trouble, detail, f"{spec.promotion.alias} names version {champion.version} again")


def _read_standing_and_alias(spec: PipelineSpec, resources: Resources) -> tuple[Standing, int | None]:
    """Return a standing and the version that the alias named at the same time; a move between the two reads is repeated."""
    while True:
        standing = resources.ledger.standing(spec.model, PRODUCTION)
        alias = resources.registry.alias_version(spec.model, spec.promotion.alias)
        if resources.ledger.standing(spec.model, PRODUCTION).champion == standing.champion:
            return standing, alias


def _adopt(spec: PipelineSpec, alias: int, standing: Standing, actor: str, resources: Resources) -> str:
    """Make the version that the alias names champion; return the reason if that is not possible."""
    registry, ledger = resources.registry, resources.ledger
    try:
        challenger = registry.find_version(spec.model, alias)
    except IntegrityError as error:
        return error.got
    if challenger is None:
        return "no retrain made it"
    if block := standing.find_block(challenger.key):
        return str(block)
    reason = "the alias was moved by hand"
    move = propose_move(Action.ADOPT, spec.model, PRODUCTION, challenger, actor=actor, reason=reason, ledger=ledger)
    if not _may_be_champion(spec.model, challenger, standing, ledger):
        return "no decision on production promotes it, and it was never champion there"
    try:
        with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
            registry.fetch(spec.model, alias, challenger.manifest_digest, Path(scratch))
        ledger.append(move)
    except (ConflictError, IntegrityError, NotFoundError) as error:
        return error.got
    return ""


def _may_be_champion(model: str, challenger: Challenger, standing: Standing, ledger: Ledger) -> bool:
    """Whether a version was champion on production before, by more than a force, or a decision promotes it there."""
    was_champion = any(
        (move.version, move.manifest_digest, move.key)
        == (challenger.version, challenger.manifest_digest, challenger.key)
        for move in standing.moves
        if move.action is not Action.FORCE
    )
    decisions = ledger.decisions(model, PRODUCTION)
    return was_champion or any(item.challenger == challenger and item.choice is Choice.PROMOTE for item in decisions)


def _follow(spec: PipelineSpec, resources: Resources) -> None:
    """Let the alias follow a move. If it cannot, the finding on the move is kept, and `_repair_alias` reports the alias."""
    with suppress(OutageError, RegistryError):
        project_alias(spec, resources)


def _find_sound_fallback(spec: PipelineSpec, standing: Standing, resources: Resources) -> LedgerEntry | None:
    """Return the latest former champion whose artifact is intact, loads and scores.

    That it reads well also shows that the registry answers, so that it is the champion that is broken.
    """
    for entry in standing.fallbacks():
        try:
            smoke_test_version(spec, entry, resources)
        except (IntegrityError, NotFoundError):
            continue
        return entry
    return None


def _find_fault(champion: LedgerEntry, registry: ModelRegistry) -> tuple[Trouble, str] | None:
    """Return what is wrong with a champion's artifact; None if it is intact."""
    try:
        with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
            registry.fetch(champion.model, champion.version, champion.manifest_digest, Path(scratch))
    except NotFoundError as error:
        return Trouble.CHAMPION_GONE, f"version {champion.version}: {error.got}"
    except IntegrityError as error:
        return Trouble.CHAMPION_ALTERED, f"version {champion.version}: {error.got}"
    return None
