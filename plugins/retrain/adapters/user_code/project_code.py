"""The project's own modules: find the files that one consists of, copy them, and import them from a folder."""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import Final

from retrain.core.spec import PipelineSpec
from retrain.errors import TrainingError

__all__ = ["ProjectCode", "copy_code", "describe_failure", "find_code", "freeze_code", "import_from", "project_files"]

_IMPORTING: Final = RLock()
_INVALID_PARAM: Final = re.compile(r"The '(?P<name>\w+)' parameter of (?P<owner>\w+) must be ")
"""The beginning of what scikit-learn says of a wrong param: two names of its code."""


class ProjectCode:
    """The modules of one folder, beside modules of the same names from other folders.

    A process may need several versions of one module: a champion keeps the code that it was trained with.

    Args:
        root: The folder that the modules are imported from; an attribute, too.
        files: The files of the modules, all below `root`.
    """

    def __init__(self, root: Path, files: Iterable[Path]) -> None:
        self.root = root
        self._root = str(root)
        self._names = {file.relative_to(root).parts[0].removesuffix(".py") for file in files if file.suffix == ".py"}
        self._modules: dict[str, ModuleType] = {}

    @classmethod
    def of(cls, spec: PipelineSpec) -> ProjectCode:
        """Return the training code of a spec.

        Raises:
            TrainingError: The code cannot be found or parsed.
        """
        return cls(spec.root, find_code(spec))

    @contextmanager
    def active(self) -> Iterator[None]:
        """Let imports find these modules, also those inside functions; afterwards the process has the modules from before."""
        with _IMPORTING:
            others, path, writes = self._take_out(), list(sys.path), sys.dont_write_bytecode
            sys.modules.update(self._modules)
            sys.path.insert(0, self._root)
            sys.dont_write_bytecode = True  # the folder may be a stored model, which must stay as it is
            importlib.invalidate_caches()
            try:
                yield
            finally:
                self._modules = self._take_out()
                sys.modules.update(others)
                sys.dont_write_bytecode = writes
                if self._root not in path and self._root in sys.path:
                    sys.path.remove(self._root)

    def _take_out(self) -> dict[str, ModuleType]:
        if not self._names:
            return {}  # a process may have ten thousand modules
        names = [name for name in sys.modules if name.partition(".")[0] in self._names]
        return {name: sys.modules.pop(name) for name in names}


def describe_failure(error: BaseException, root: Path | None) -> str:
    """Return the class of an error and the last line of the project's code that it came through; never its text.

    Args:
        error: What a library or the project's code raised; its text may hold row values.
        root: The folder of the project's code; None if it is not known.
    """
    kind = type(error).__name__
    named = _INVALID_PARAM.match(str(error)) if kind == "InvalidParameterError" else None
    about = f" of the parameter {named['name']} of {named['owner']}" if named else ""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if root is not None and Path(frame.filename).is_relative_to(root)]
    where = f" at {Path(own[-1].filename).relative_to(root).as_posix()}:{own[-1].lineno}" if root and own else ""
    return f"{kind}{about}{where}"


def find_code(spec: PipelineSpec) -> set[Path]:
    """Return the project's files that the training of a spec reads: modules and what `train.files` declares.

    Raises:
        TrainingError: A file is not Python, or a declared file does not exist.
    """
    try:
        return project_files(spec.train.estimator.partition(":")[0], spec.root) | _find_declared(spec)
    except (SyntaxError, ValueError) as error:
        raise TrainingError(
            f"train.estimator {spec.train.estimator} must be Python code",
            got=f"{type(error).__name__} in {Path(getattr(error, 'filename', None) or 'a file').name}",
            fix="Fix the file.",
        ) from error


@contextmanager
def freeze_code(spec: PipelineSpec) -> Iterator[PipelineSpec]:
    """Copy the files that the training of a spec reads, and give the spec with the copy as its root.

    So digest, fit and recipe are of the same bytes, whatever is deployed meanwhile.

    Raises:
        TrainingError: A file is not Python, or a declared file does not exist.
    """
    files = find_code(spec)
    if not files:
        yield spec
        return
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        copy_code(files, spec.root, Path(scratch))
        yield spec.rooted_at(Path(scratch))


def copy_code(files: Iterable[Path], root: Path, folder: Path) -> None:
    """Copy files below `root` to the same places below another folder."""
    for file in files:
        copy = folder / file.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def _find_declared(spec: PipelineSpec) -> set[Path]:
    found: set[Path] = set()
    for pattern in spec.train.files:
        files = {path for path in spec.root.glob(pattern) if path.is_file()}
        if not files:
            raise TrainingError(
                "each entry of train.files must match a file of the project", got=repr(pattern), fix="Check the path."
            )
        found |= files
    return found


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
