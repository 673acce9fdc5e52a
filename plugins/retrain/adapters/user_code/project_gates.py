"""Gates of the project's own code and of installed packages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from retrain.adapters.user_code.project_code import import_from
from retrain.core.extensions import ExtensionPoint, load_extension
from retrain.core.policy.gates import Custom, Gate, Installed, LoadedGate, LoadGate

__all__ = ["fields_for", "gate_class", "load_gates"]


def gate_class(gate: LoadedGate, root: Path) -> type[Gate]:
    """Import the class of a gate; what importing it raises comes through.

    Args:
        root: The folder that a project's own code is found below.

    Raises:
        ImportError: There is no such module.
        AttributeError: It has no such class.
        InstallError: No installed package offers it.
        TypeError: That is not a gate.
    """
    match gate:
        case Custom():
            module, _, name = gate.gate.partition(":")
            found = getattr(import_from(module, root), name)
        case Installed():
            found = load_extension(ExtensionPoint.GATES, gate.check)
    if not (isinstance(found, type) and issubclass(found, Gate)):
        raise TypeError(f"{gate.source} is not a subclass of retrain.gates.Gate")
    return found


def load_gates(root: Path) -> LoadGate:
    """Return a function that makes the gate that a spec's gate names, with its fields."""

    def load(gate: LoadedGate) -> Gate:
        kind = gate_class(gate, root)
        return kind.model_validate(fields_for(gate, kind))

    return load


def fields_for(gate: LoadedGate, kind: type[Gate]) -> dict[str, Any]:
    """Return the fields that the class gets: those of the spec, with `check` and `reads` if it declares them."""
    declared: dict[str, Any] = {"check": getattr(gate, "check", ""), "reads": gate.columns}
    return {name: value for name, value in declared.items() if name in kind.model_fields} | dict(gate.fields)
