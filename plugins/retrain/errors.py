"""The errors of `retrain`: each names the rule, the value that broke it, and the fix.

Permanent errors (a wrong spec, bad data, an altered artifact) fail at once; an `OutageError` is worth a retry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "ConflictError",
    "DataError",
    "InstallError",
    "IntegrityError",
    "NotFoundError",
    "OutageError",
    "RegistryError",
    "RetrainError",
    "SpecError",
    "SpecProblem",
    "TrainingError",
]


class RetrainError(Exception):
    """Base class of all errors of this package.

    Attributes:
        must: What must hold.
        got: What came instead. Never a row value or a secret.
        fix: What to do next.
    """

    def __init__(self, must: str, *, got: str, fix: str) -> None:
        super().__init__(must, got, fix)
        self.must = must
        self.got = got
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.must}; got {self.got}. {self.fix}"

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (type(self), self.must, self.got, self.fix)


def _restore(kind: type[RetrainError], must: str, got: str, fix: str) -> RetrainError:
    return kind(must, got=got, fix=fix)


class DataError(RetrainError):
    """The data of a window is not fit for training: empty, unreadable, incomplete, or refused by its expectations."""


class TrainingError(RetrainError):
    """The estimator could not be built, fitted or scored."""


class InstallError(RetrainError):
    """A package that a pipeline or a command needs is not installed, or cannot be imported."""


class IntegrityError(RetrainError):
    """Stored bytes are not the bytes that were recorded: a digest or the hash chain does not match."""


class NotFoundError(RetrainError):
    """The named model, version, timeline or snapshot does not exist."""


class ConflictError(RetrainError):
    """Another writer moved the pointer first."""


class RegistryError(RetrainError):
    """The model registry refused a call; a retry will not help."""


class OutageError(RetrainError):
    """A system that a step needs does not answer; the same call may succeed later."""


@dataclass(frozen=True)
class SpecProblem:
    """One mistake in a pipeline spec.

    Attributes:
        path: Position in the document, such as ``gate[1].metric``; empty for the whole document.
        rule: What must hold.
        got: What came instead.
        hint: What to do next, such as a did-you-mean.
    """

    path: str
    rule: str
    got: str
    hint: str

    def __str__(self) -> str:
        position = f"{self.path}: " if self.path else ""
        return f"{position}{self.rule}; got {self.got}. {self.hint}"


class SpecError(RetrainError):
    """A pipeline spec is wrong; the error lists all of its mistakes, or the first ones of very many.

    Attributes:
        source: The file or the name of the document.
        problems: The mistakes found, in document order.
        more: How many more there are, at least.
    """

    def __init__(self, source: str, problems: Sequence[SpecProblem], *, more: int = 0) -> None:
        self.source = source
        self.problems = tuple(problems)
        self.more = more
        count = "1 mistake" if len(self.problems) == 1 else f"{len(self.problems)} mistakes"
        got = f"{count} and at least {more:,} more" if more else count
        super().__init__(f"{source} must be a valid pipeline spec", got=got, fix="Fix them and run `retrain check`.")

    def __str__(self) -> str:
        return "\n".join([f"{self.source}: {self.got}", *(f"  {problem}" for problem in self.problems)])

    def __reduce__(self) -> tuple[object, ...]:
        return _restore_spec_error, (self.source, self.problems, self.more)


def _restore_spec_error(source: str, problems: Sequence[SpecProblem], more: int) -> SpecError:
    return SpecError(source, problems, more=more)
