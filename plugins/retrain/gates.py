"""Gates: the base class of your own, what it reads and what it returns."""

from retrain.core.policy.evidence import Evidence
from retrain.core.policy.gates import Gate, Outcome, Verdict

__all__ = ["Evidence", "Gate", "Outcome", "Verdict"]
