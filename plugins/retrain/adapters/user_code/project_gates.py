"""Custom gates out of the project's own code."""

from __future__ import annotations

from pathlib import Path

from retrain.adapters.user_code.project_code import import_from
from retrain.core.policy.gates import Custom, Gate, LoadGate

__all__ = ["gate_class", "gates_below"]


def gate_class(custom: Custom, root: Path) -> type[Gate]:
    """Import the class that a custom gate names, its code found below `root`; what its module raises comes through.

    Raises:
        ImportError: There is no such module.
        AttributeError: It has no such class.
        TypeError: That is no gate.
    """
    name, _, kind = custom.gate.partition(":")
    found = getattr(import_from(name, root), kind)
    if not (isinstance(found, type) and issubclass(found, Gate)):
        raise TypeError(f"{kind} is no subclass of retrain.core.policy.gates.Gate")
    return found


def gates_below(root: Path) -> LoadGate:
    """Return what makes the gate that a custom gate names, with its params."""
    return lambda custom: gate_class(custom, root).model_validate(custom.params)
