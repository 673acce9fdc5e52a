"""A seeded run of promotions, rollbacks, forgeries and accidents against a real MLflow and a real PostgreSQL.

The same seed replays it.

``python -m tests.faults.chaos --seed 1 --minutes 5`` or ``--operations 2000``.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from mlflow.exceptions import MlflowException
from tests.faults.children import start
from tests.faults.database_crash import DatabaseCrash
from tests.faults.proxy import Fault, Kind, Proxy, proxy_before
from tests.faults.stage import REFUSALS, Stage, check_invariants
from tests.servers import fresh_database, running_mlflow, running_postgresql

from retrain.adapters.sql_ledger import SqlLedger
from retrain.core.ledger.entries import Action
from retrain.core.policy.decision import Decision
from retrain.errors import ConflictError, NotFoundError, OutageError
from retrain.steps import RollbackPlan, Trouble, reconcile

__all__ = ["Chaos", "chaos_over"]

MODELS: dict[str, dict[str, Any]] = {
    "alpha": {"out_of_band": "repair"},
    "beta": {"out_of_band": "repair"},
    "gamma": {"out_of_band": "adopt"},
    "delta": {"approval": "required", "approvers": ["ada", "someone"]},
}
_KINDS: tuple[Kind, ...] = ("drop", "refuse", "refuse", "duplicate", "hold", "late", "lose_race")
_BAD_ANSWERS: tuple[Kind, ...] = ("empty", "not_found", "cut")
_CHECK_EVERY = 25
_KILLED = -9
_ALIAS_CALL = "POST /api/2.0/mlflow/registered-models/alias"


@dataclass
class Act:
    """One model of the run: reached by its users through the proxy, and directly by who checks."""

    users: Stage
    checker: Stage
    numbers: int = 0
    decisions: list[Decision] = field(default_factory=list)
    plans: list[RollbackPlan] = field(default_factory=list)


class Chaos:
    """The run; every choice comes from the seed and from what was there, none from a clock."""

    def __init__(self, seed: int, proxy: Proxy, mlflow: str, database: str) -> None:
        self.steps = 0
        self.operations: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.checks = 0
        self._random = Random(seed)  # noqa: S311 - not for secrets
        self._proxy, self._database = proxy, database
        self._trace = hashlib.sha256()
        self._acts = []
        self._crash = DatabaseCrash(database)
        for model, promotion in MODELS.items():
            checker = Stage.open(model, mlflow, database, **promotion)
            users = replace(checker.behind(proxy.url), ledger=SqlLedger(self._crash.engine))
            self._acts.append(Act(users, checker))

    @property
    def trace(self) -> str:
        """The digest of all that was done and came of it: the same after every replay."""
        return self._trace.hexdigest()[:16]

    def step(self) -> None:
        """Do one operation, with or without a fault; check what must hold."""
        self.steps += 1
        act = self._random.choice(self._acts)
        names, weights = zip(*_OPERATIONS.items(), strict=True)
        name = self._random.choices(names, weights)[0]
        faulty = self._random.random() < 0.5
        self.operations[name] += 1
        outcome = getattr(self, f"_{name}")(act, faulty)
        self.outcomes[outcome] += 1
        self._trace.update(f"{self.steps} {act.users.model} {name} {outcome} {act.checker.champion}\n".encode())
        if self.steps % _CHECK_EVERY == 0:
            self.check(self._acts[self.steps // _CHECK_EVERY % len(self._acts)])

    def check(self, act: Act) -> None:
        """Check the invariants of one model."""
        self.checks += 1
        stage = act.checker
        check_invariants(stage.spec, stage, secrets=["postgresql"])

    def check_all(self) -> None:
        """Check the invariants of every model."""
        self._proxy.deliver()
        for act in self._acts:
            self.check(act)

    # Operations: each returns in a word what came of it.

    def _promote(self, act: Act, faulty: bool) -> str:
        """A new challenger becomes champion; half of the time its decision is recorded twice."""
        decision = self._new_decision(act, faulty)
        if decision is None:
            return "interrupted"
        self._ask(act, decision)
        outcome = self._moved(act, faulty, lambda stage: stage.promote(decision), promote, decision)
        if self._random.random() < 0.3:
            self._moved(act, False, lambda stage: stage.promote(decision))
        return outcome

    def _decide(self, act: Act, faulty: bool) -> str:
        """A decision is made and left for later: it will be stale."""
        decision = self._new_decision(act, faulty)
        act.decisions += [decision] if decision else []
        return "decided" if decision else "interrupted"

    def _promote_late(self, act: Act, faulty: bool) -> str:
        if not act.decisions:
            return "nothing to do"
        decision = self._random.choice(act.decisions)
        return self._moved(act, faulty, lambda stage: stage.promote(decision), promote, decision)

    def _ask(self, act: Act, decision: Decision) -> None:
        """Ask for the approval that a pipeline wants; some of those who answer may not approve."""
        if act.users.spec.promotion.approval == "none":
            return
        approver = self._random.choice(["ada", "ada", "ada", "someone", "mallory"])
        with suppress(ConflictError):
            act.users.approve(decision, approver)

    def _approve(self, act: Act, _: bool) -> str:
        if not act.decisions:
            return "nothing to do"
        self._ask(act, self._random.choice(act.decisions))
        return "done"

    def _forge(self, act: Act, _: bool) -> str:
        """Somebody hands a step what another retrain made, as an XCom that was written by hand would."""
        if not act.decisions:
            return "nothing to do"
        decision = self._random.choice(act.decisions)
        before = act.checker.champion, len(act.checker.entries(*_MOVES))
        forged = self._random.choice([_with_another_version, _with_another_request, _with_another_reason])(decision)
        try:
            act.users.promote(forged)
        except REFUSALS:
            self.faults["forged decision"] += 1
        else:
            raise AssertionError("a forged decision was not refused")
        after = act.checker.champion, len(act.checker.entries(*_MOVES))
        assert before == after, "a forged decision moved the pointer"
        return "refused"

    def _roll_back(self, act: Act, faulty: bool) -> str:
        plan = self._new_plan(act)
        if plan is None:
            return "refused"
        return self._moved(act, faulty, lambda stage: stage.roll_back(plan=plan), roll_back, plan)

    def _plan(self, act: Act, _: bool) -> str:
        plan = self._new_plan(act)
        act.plans += [plan] if plan else []
        return "planned" if plan else "refused"

    def _roll_back_late(self, act: Act, faulty: bool) -> str:
        if not act.plans:
            return "nothing to do"
        plan = self._random.choice(act.plans)
        return self._moved(act, faulty, lambda stage: stage.roll_back(plan=plan), roll_back, plan)

    def _force(self, act: Act, faulty: bool) -> str:
        lifetime = self._random.choice([timedelta(microseconds=1), timedelta(days=1)])
        version = self._any_version(act)
        return self._moved(act, faulty, lambda stage: stage.force(version, lifetime))

    def _freeze(self, act: Act, _: bool) -> str:
        act.users.freeze()
        return "done"

    def _unfreeze(self, act: Act, _: bool) -> str:
        try:
            act.users.unfreeze()
        except NotFoundError:
            return "nothing to do"
        return "done"

    def _reconcile(self, act: Act, faulty: bool) -> str:
        before = act.checker.champion
        sound = self._is_sound(act)
        with self._fault(faulty, kinds=(*_KINDS, *_BAD_ANSWERS), times=1) as happened:
            try:
                findings = act.users.reconcile()
            except OutageError:
                assert happened(), "an outage without a fault"
                return "interrupted"
            if happened() and sound:
                deposed = [item for item in findings if item.trouble in _LOST]
                assert not deposed, f"one bad answer deposed version {before}: {deposed}"
        if act.checker.champion is not None and act.checker.alias != act.checker.champion:
            assert "no former" in str(act.checker.reconcile()), "I2: one reconcile did not bring the alias back"
        return "done"

    def _move_alias(self, act: Act, _: bool) -> str:
        """Somebody moves the alias by hand."""
        try:
            act.checker.registry.set_alias(act.users.model, "champion", self._any_version(act))
        except NotFoundError:
            return "nothing to do"
        self.faults["alias moved by hand"] += 1
        return "done"

    def _delete_alias(self, act: Act, _: bool) -> str:
        if act.checker.alias is None:
            return "nothing to do"
        act.checker.registry.client.delete_registered_model_alias(act.users.model, "champion")
        self.faults["alias deleted"] += 1
        return "done"

    def _delete_version(self, act: Act, _: bool) -> str:
        try:
            act.checker.registry.client.delete_model_version(act.users.model, str(self._any_version(act)))
        except MlflowException:
            return "nothing to do"
        self.faults["version deleted"] += 1
        return "done"

    def _deliver(self, _: Act, __: bool) -> str:
        """Calls that were on their way for long arrive now."""
        return "done" if self._proxy.deliver() else "nothing to do"

    # Their parts

    def _new_decision(self, act: Act, faulty: bool) -> Decision | None:
        act.numbers += 1
        number = act.numbers
        for attempt in range(3):
            with self._fault(faulty and attempt == 0, "run_made", "model_uploaded", "version_registered") as happened:
                try:
                    return act.users.decide(number)
                except OutageError:
                    assert happened(), "an outage without a fault"
                    if self._random.random() < 0.3:
                        return None
        raise AssertionError("a challenger could not be made in three attempts")

    def _is_sound(self, act: Act) -> bool:
        """Whether the champion's artifact is what was made, asked past the proxy."""
        pointer = act.checker.ledger.pointer(act.users.model, act.users.timeline)
        if pointer is None:
            return True
        with tempfile.TemporaryDirectory() as folder:
            try:
                act.checker.registry.fetch(act.users.model, pointer.version, pointer.manifest_digest, Path(folder))
            except REFUSALS:
                return False
        return True

    def _new_plan(self, act: Act) -> RollbackPlan | None:
        to = self._any_version(act) if self._random.random() < 0.5 else None
        try:
            return act.users.plan(to)
        except (ConflictError, NotFoundError):
            return None

    def _any_version(self, act: Act) -> int:
        """Return one of the latest versions, which may be gone, or next."""
        return max(1, act.numbers + 1 - self._random.randrange(8))

    def _moved(
        self,
        act: Act,
        faulty: bool,
        move: Callable[[Stage], object],
        in_a_child: Callable[..., None] | None = None,
        *arguments: object,
    ) -> str:
        """Try a move until it is done or refused, or given up after a fault."""
        if faulty and in_a_child and self._random.random() < 0.1:
            point = self._random.choice(["pointer_moved", "alias_set"])
            stage = act.users
            place = (stage.model, self._proxy.url, self._database)
            child = start(f"{point}:kill", in_a_child, place, *arguments)
            child.join(60)
            assert child.exitcode in (0, _KILLED), f"a child ended with {child.exitcode}"
            if child.exitcode == _KILLED:
                self.faults["process killed"] += 1
                if self._random.random() < 0.3:
                    return "interrupted"
            faulty = False
        for attempt in range(3):
            with self._fault(faulty and attempt == 0, "pointer_moved", "alias_set") as happened:
                try:
                    move(act.users)
                except (ConflictError, NotFoundError):
                    return "refused"
                except OutageError:
                    assert happened(), "an outage without a fault"
                    if self._random.random() < 0.3:
                        return "interrupted"
                else:
                    assert act.checker.alias == act.checker.champion, "I2: a move left the alias elsewhere"
                    return "moved"
        raise AssertionError("a move was neither done nor refused in three attempts")

    @contextmanager
    def _fault(
        self, wanted: bool, *points: str, kinds: Sequence[Kind] = _KINDS, times: int | None = None
    ) -> Iterator[Callable[[], bool]]:
        """Let at most one thing go wrong inside; the function given, asked after an outage, says whether it did."""
        if not wanted:
            yield lambda: False
            return
        if self._random.random() < 0.1:
            with self._crash.after(self._random.randrange(12)) as crashed:
                yield crashed
            self.faults["PostgreSQL restarted"] += crashed()
            return
        point = self._random.choice(points) if points and self._random.random() < 0.3 else ""
        kind = self._random.choice(kinds)
        skip, times = self._random.randrange(6), times or self._random.choice([1, 2])
        if point:
            os.environ["RETRAIN_FAILPOINT"] = f"{point}:raise"
            fault = Fault("refuse")
        elif kind in ("late", "lose_race"):
            fault = self._proxy.inject(kind, on=_ALIAS_CALL)
        else:
            fault = self._proxy.inject(kind, skip=skip, times=times, seconds=0.05)
        seen = False

        def happened() -> bool:
            nonlocal seen
            seen = True
            return bool(point or fault.hits)

        try:
            yield happened
        finally:
            os.environ.pop("RETRAIN_FAILPOINT", None)
            self._proxy.calm()
            if point and seen:
                self.faults[f"died at {point}"] += 1
            elif fault.hits:
                self.faults[f"{fault.kind} in MLflow's calls"] += 1


_OPERATIONS = {
    "promote": 24, "decide": 8, "promote_late": 12, "roll_back": 10, "plan": 5, "roll_back_late": 6, "force": 8,
    "freeze": 2, "unfreeze": 5, "reconcile": 14, "move_alias": 6, "delete_alias": 3, "delete_version": 2, "deliver": 5,
    "approve": 6, "forge": 6,
}  # fmt: skip


_MOVES = tuple(action for action in Action if action.moves)
_LOST = (Trouble.CHAMPION_GONE, Trouble.CHAMPION_ALTERED)


def _with_another_version(decision: Decision) -> Decision:
    assert decision.challenger is not None
    return replace(decision, challenger=replace(decision.challenger, version=decision.challenger.version + 1))


def _with_another_request(decision: Decision) -> Decision:
    return replace(decision, request_id="f" * 64)


def _with_another_reason(decision: Decision) -> Decision:
    return replace(decision, reason="another reason")


# What a child does


def promote(place: tuple[str, str, str], decision: Decision) -> None:
    _in_peace(lambda: _stage(place).promote(decision))


def roll_back(place: tuple[str, str, str], plan: RollbackPlan) -> None:
    _in_peace(lambda: _stage(place).roll_back(plan=plan))


def _stage(place: tuple[str, str, str]) -> Stage:
    return Stage.open(*place, **MODELS[place[0]])


def _in_peace(work: Callable[[], Any]) -> None:
    with suppress(ConflictError, NotFoundError):
        work()


# The run


@contextmanager
def chaos_over(seed: int, mlflow: str, database: str) -> Iterator[Chaos]:
    """Give a run over running servers, with a proxy before MLflow."""
    kept = os.environ.get("MLFLOW_HTTP_REQUEST_MAX_RETRIES")
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
    seconds, reconcile.SECONDS_TO_SECOND_LOOK = reconcile.SECONDS_TO_SECOND_LOOK, 0.05
    try:
        with proxy_before(mlflow) as proxy:
            yield Chaos(seed, proxy, mlflow, database)
    finally:
        reconcile.SECONDS_TO_SECOND_LOOK = seconds
        os.environ.pop("MLFLOW_HTTP_REQUEST_MAX_RETRIES")
        if kept is not None:
            os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = kept


def main() -> int:
    """Run it, say what was done, and how to replay it where something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--operations", type=int, help="stop after so many instead of after minutes")
    asked = parser.parse_args()
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as home,
        running_mlflow(Path(home)) as server,
        running_postgresql() as postgresql,
        fresh_database(postgresql, "migrated") as database,
        chaos_over(asked.seed, server.url, database.render_as_string(hide_password=False)) as chaos,
    ):
        began = time.monotonic()

        def finished() -> bool:
            if asked.operations:
                return bool(chaos.steps >= asked.operations)
            return bool(time.monotonic() - began >= asked.minutes * 60)

        try:
            while not finished():
                chaos.step()
                if chaos.steps % 250 == 0:
                    print(f"{chaos.steps} operations, {chaos.faults.total()} faults", flush=True)
            chaos.check_all()
        except Exception:  # noqa: BLE001 - whatever it was, say how to replay it
            traceback.print_exc()
            print(f"\nSeed {asked.seed}, step {chaos.steps}: something did not hold.")
            print(f"Replay it: make chaos SEED={asked.seed} OPERATIONS={chaos.steps}")
            return 1
        _report(chaos, asked.seed, time.monotonic() - began)
    return 0


def _report(chaos: Chaos, seed: int, seconds: float) -> None:
    print(
        f"\nSeed {seed}: {chaos.steps} operations and {chaos.faults.total()} faults in {seconds:.0f} s;"
        f" {chaos.checks} checks of all invariants, none violated; trace {chaos.trace}"
    )
    for title, counter in (("operations", chaos.operations), ("outcomes", chaos.outcomes), ("faults", chaos.faults)):
        print(f"  {title}: " + ", ".join(f"{name} {count}" for name, count in counter.most_common()))


if __name__ == "__main__":
    sys.exit(main())
