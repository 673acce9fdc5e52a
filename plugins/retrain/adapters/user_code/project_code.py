"""The project's own modules: import one, and find the files that it consists of."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

__all__ = ["import_from", "project_files"]


def import_from(name: str, root: Path) -> ModuleType:
    """Import a module, looking below `root` first; an error of the module is raised as it is."""
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    return importlib.import_module(name)


def project_files(module: str, root: Path) -> set[Path]:
    """Return the files below `root` that an import of a module can run; empty if the module is not below it.

    The source is parsed, not run. Imports inside functions and relative imports count, and folders need no ``__init__.py``; an
    import by a computed name is not seen.

    Raises:
        SyntaxError: A file is not Python.
        ValueError: A file is not text.
    """
    files: set[Path] = set()
    seen: set[str] = set()
    pending = [module]
    while pending:
        name = pending.pop()
        if not name or name in seen:
            continue
        seen.add(name)
        package = name.rpartition(".")[0]
        pending.append(package)
        path = _find_file(name, root)
        if path is not None:
            files.add(path)
            pending += _find_imports(path, name if path.name == "__init__.py" else package)
    return files if _find_file(module, root) else set()


def _find_file(module: str, root: Path) -> Path | None:
    base = root.joinpath(*module.split("."))
    candidates = (base / "__init__.py", base.with_name(f"{base.name}.py"))
    return next((path for path in candidates if path.is_file()), None)


def _find_imports(path: Path, package: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes(), filename=path.name)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (base, *(f"{base}.{alias.name}" for alias in node.names))
