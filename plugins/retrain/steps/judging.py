"""The verdicts of a policy's gates, those of the project's own code among them."""

from __future__ import annotations

from collections.abc import Sequence

from retrain.core.policy.evidence import Evidence
from retrain.core.policy.gates import Gate, LoadedGate, LoadGate, Verdict

__all__ = ["judge_all"]


def judge_all(gates: Sequence[Gate], evidence: Evidence, load_gate: LoadGate) -> tuple[Verdict, ...]:
    """Return one verdict a gate, in their order."""
    return tuple(
        gate.judge_by(load_gate, evidence) if isinstance(gate, LoadedGate) else gate.judge(evidence) for gate in gates
    )
