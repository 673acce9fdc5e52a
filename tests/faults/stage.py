"""A pipeline whose model is one small file: all that promotions and rollbacks need, and the invariants of every fault."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from mlflow.tracking import MlflowClient
from tests.builders import AS_OF, make_spec

from retrain.adapters.mlflow_registry import DUPLICATE_TAG, KEY_TAG, MlflowRegistry
from retrain.adapters.sql_ledger import SqlLedger
from retrain.core.digest import digest_json
from retrain.core.ledger.entries import Action, LedgerEntry
from retrain.core.ledger.origin import Origin
from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Challenger, Choice, Decision
from retrain.core.policy.gates import Outcome, Verdict
from retrain.core.ports import Ledger
from retrain.core.request import RetrainRequest
from retrain.core.resources import Resources, Retrain
from retrain.core.spec import PipelineSpec
from retrain.errors import ConflictError, IntegrityError, NotFoundError
from retrain.steps import (
    Finding,
    Operation,
    RollbackPlan,
    Trouble,
    approve_promotion,
    force_champion,
    freeze_model,
    plan_rollback,
    promote_challenger,
    reconcile_model,
    roll_back,
    unfreeze_model,
)

REFUSALS = (ConflictError, IntegrityError, NotFoundError)
_FINE = (Verdict("threshold", Outcome.PASS, "good enough"),)


@dataclass(frozen=True)
class Stage:
    """A pipeline over a real registry and a real ledger, the `Resources` of a move; its challengers are a day apart."""

    spec: PipelineSpec
    registry: MlflowRegistry
    ledger: Ledger
    timeline: str = PRODUCTION
    snapshots: Any = None
    evidence: Any = None
    meter: Any = None
    train_by_recipe: Any = None
    reports: Any = None

    @classmethod
    def open(cls, model: str, mlflow: str, database: Any, **promotion: Any) -> Self:
        spec = make_spec(model=model, promotion=promotion)
        return cls(spec, MlflowRegistry(mlflow), SqlLedger(database))

    def behind(self, url: str) -> Self:
        """Return the same stage, reaching MLflow at another address."""
        return replace(self, registry=MlflowRegistry(url))

    def of(self, number: int) -> Retrain:
        """Return the retrain of a challenger."""
        return Retrain(self.spec, self.request(number), self)

    def smoke_test(self, *_: object) -> int:
        """Score nothing: a challenger here is one small file."""
        return 0

    def open_trials(self) -> Any:
        raise NotImplementedError

    def load_trainer(self, spec: PipelineSpec) -> Any:
        raise NotImplementedError

    @property
    def serving_test(self) -> Any:
        raise NotImplementedError

    def freeze_code(self, spec: PipelineSpec) -> Any:
        raise NotImplementedError

    def load_validator(self, spec: PipelineSpec) -> Any:
        raise NotImplementedError

    def load_gates(self, spec: PipelineSpec) -> Any:
        raise NotImplementedError

    @property
    def model(self) -> str:
        return self.spec.model

    @property
    def alias(self) -> int | None:
        return self.registry.alias_version(self.model, self.spec.promotion.alias)

    @property
    def champion(self) -> int | None:
        pointer = self.ledger.pointer(self.model, self.timeline)
        return pointer.version if pointer else None

    def key(self, number: int) -> str:
        return digest_json([self.model, number])

    def request(self, number: int, **changes: Any) -> RetrainRequest:
        as_of = AS_OF + timedelta(days=number)
        return replace(
            RetrainRequest(self.model, self.timeline, as_of, Origin.of_dag_run("test", str(number)), "someone"),
            **changes,
        )

    def open_run(self, number: int) -> str:
        tags = {"retrain.timeline": self.timeline}
        return self.registry.open_run(self.model, self.key(number), name=f"{number}", params={}, tags=tags)

    def publish(self, number: int) -> Challenger:
        run_id = self.open_run(number)
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "MLmodel").write_text(f"number: {number}\n")
            return self.registry.publish(self.model, self.key(number), run_id, Path(folder))

    def decide(self, number: int, challenger: Challenger | None = None) -> Decision:
        """Publish a challenger unless it is given, and decide to promote it over today's champion."""
        request = self.request(number)
        self.ledger.open_retrain(request)
        pointer = self.ledger.pointer(self.model, self.timeline)
        decision = Decision(
            request_id=request.id,
            model=self.model,
            timeline=self.timeline,
            as_of=request.as_of,
            choice=Choice.PROMOTE,
            reason="better",
            origin=request.origin,
            verdicts=_FINE,
            challenger=challenger or self.publish(number),
            champion_version=pointer.version if pointer else None,
            champion_generation=pointer.generation if pointer else 0,
        )
        return self.ledger.record(decision)

    def promote(self, decision: Decision) -> LedgerEntry:
        return promote_challenger(self.of(int(decision.origin.run_id)), decision)

    def approve(self, decision: Decision, approver: str) -> LedgerEntry:
        retrain = self.of(int(decision.origin.run_id))
        return approve_promotion(retrain, decision, approver=approver, name="", shown=decision.digest)

    def crown(self, *numbers: int) -> LedgerEntry:
        """Make challengers champion, one after the other."""
        return [self.promote(self.decide(number)) for number in numbers][-1]

    def plan(self, to: int | None = None) -> RollbackPlan:
        return plan_rollback(self._operation, to=to, ledger=self.ledger)

    def roll_back(self, to: int | None = None, *, plan: RollbackPlan | None = None) -> LedgerEntry:
        return roll_back(plan or self.plan(to), self._operation, self)

    def force(self, version: int, lifetime: timedelta = timedelta(days=1)) -> LedgerEntry:
        return force_champion(version, self._operation, self, lifetime=lifetime)

    def freeze(self) -> LedgerEntry:
        return freeze_model(self.model, self.timeline, actor="someone", reason="because", ledger=self.ledger)

    def unfreeze(self) -> LedgerEntry:
        return unfreeze_model(self.model, self.timeline, actor="someone", reason="because", ledger=self.ledger)

    def reconcile(self) -> list[Finding]:
        return reconcile_model(self.spec, self, actor="reconciler")

    def entries(self, *actions: Action) -> list[LedgerEntry]:
        """Return the entries, of some actions if they are named, else all but those that record a decision."""
        found = self.ledger.entries(self.model, self.timeline)
        wanted = actions or [action for action in Action if action is not Action.DECIDE]
        return [entry for entry in found if entry.action in wanted]

    @property
    def _operation(self) -> Operation:
        return Operation(self.spec, self.timeline, actor="someone", reason="because")


def check_invariants(spec: PipelineSpec, resources: Resources, *, secrets: Sequence[str] = ()) -> None:
    """Check I1 to I6 after a fault; what is out of line on the registry may take one reconcile."""
    registry, ledger = resources.registry, resources.ledger
    assert isinstance(registry, MlflowRegistry)
    findings = reconcile_model(spec, resources, actor="reconciler")
    lost = any(f.trouble in (Trouble.CHAMPION_GONE, Trouble.CHAMPION_ALTERED) and "retrain" in f.done for f in findings)
    pointer = ledger.pointer(spec.model, PRODUCTION)
    alias = registry.alias_version(spec.model, spec.promotion.alias)
    if pointer is not None and not lost:
        assert alias == pointer.version, f"I2: alias {alias}, pointer {pointer.version}"
        with tempfile.TemporaryDirectory() as folder:
            registry.fetch(spec.model, pointer.version, pointer.manifest_digest, Path(folder))  # I4
        if findings:
            again = reconcile_model(spec, resources, actor="reconciler")
            assert again == [], f"I2: asked again at once, a reconcile found {again}"
    check_versions(registry, spec.model, secrets)
    check_history(ledger.entries(spec.model))  # I1
    ledger.verify()  # I5


def check_history(entries: Sequence[LedgerEntry]) -> None:
    """Add up the entries of a model in another way than the ledger does: what must never have happened, did not."""
    generations: dict[str, int] = {}
    champions: dict[str, LedgerEntry] = {}
    frozen: dict[str, bool] = {}
    barred: set[tuple[str, str]] = set()
    promoted: set[tuple[str, str]] = set()
    for entry in entries:
        timeline, champion = entry.timeline, champions.get(entry.timeline)
        if entry.action in (Action.FREEZE, Action.UNFREEZE):
            frozen[timeline] = entry.action is Action.FREEZE
        if entry.action is Action.FORCE:
            barred.discard((timeline, entry.key))
        if entry.generation is None:
            continue
        assert entry.generation == generations.get(timeline, 0) + 1, f"I1: generation at {entry.seq}"
        assert entry.previous_version == (champion.version if champion else None), f"I1: entry {entry.seq}"
        if entry.action is Action.PROMOTE:
            assert (timeline, entry.key) not in promoted, f"entry {entry.seq} promotes a key again"
            promoted.add((timeline, entry.key))
            assert not frozen.get(timeline), f"entry {entry.seq} promotes what is frozen"
            assert (timeline, entry.key) not in barred, f"entry {entry.seq} promotes what is in quarantine"
            assert champion is None or entry.as_of > champion.as_of, f"entry {entry.seq} goes back in time"
        if entry.action is Action.ROLLBACK and champion is not None:
            barred.add((timeline, champion.key))
        if entry.action is Action.REVERT and champion is not None and champion.action is not Action.FORCE:
            promoted.discard((timeline, champion.key))  # its artifact was gone or altered, so that it may be made again
        generations[timeline], champions[timeline] = entry.generation, entry


def check_versions(registry: MlflowRegistry, model: str, secrets: Sequence[str] = ()) -> None:
    """Check that each key has one canonical version, and that no tag says too much."""
    client: MlflowClient = registry.client
    keys: dict[str, list[Any]] = {}
    for version in client.search_model_versions(f"name = '{model}'", max_results=10_000):
        assert all(name.startswith(("retrain.", "mlflow.")) for name in version.tags), f"I6: {sorted(version.tags)}"
        assert not any(secret in str(version.tags) for secret in secrets), "I6: a secret in a tag"
        if KEY_TAG in version.tags:
            keys.setdefault(version.tags[KEY_TAG], []).append(version)
    for key, versions in keys.items():
        assert sum(DUPLICATE_TAG not in version.tags for version in versions) <= 1, f"I3: {key[:8]}"
        if len(versions) > 1:
            found = registry.find_challenger(model, key)
            assert found is not None
            assert found.version == min(int(version.version) for version in versions), f"I3: {key[:8]}"
