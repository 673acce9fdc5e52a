"""Error control over time: how much error each retrain of a sequence may make, so that luck is promoted as seldom as promised."""

from retrain.core.policy.error_control.allot import allot
from retrain.core.policy.error_control.base import Allotment, PastTest
from retrain.core.policy.error_control.spec import ErrorControlSpec

__all__ = ["Allotment", "ErrorControlSpec", "PastTest", "allot"]
