"""Error control over time: the error level of each retrain in a sequence, so that false promotions stay within a budget."""

from retrain.core.policy.error_control.allot import allot
from retrain.core.policy.error_control.base import Allotment, PastTest
from retrain.core.policy.error_control.spec import ErrorControlSpec

__all__ = ["Allotment", "ErrorControlSpec", "PastTest", "allot"]
