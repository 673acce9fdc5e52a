"""For the tests of a project: what every gate promises, and evidence to try a gate on."""

from retrain.testing.evidence import make_column, make_evidence, make_footprint, make_profile, make_scores
from retrain.testing.gate_contract import GATE_PROMISES, check_gate

__all__ = [
    "GATE_PROMISES",
    "check_gate",
    "make_column",
    "make_evidence",
    "make_footprint",
    "make_profile",
    "make_scores",
]
