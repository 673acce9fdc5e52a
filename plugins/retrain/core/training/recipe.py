"""What a model was made by: enough to make it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from retrain.core.spec import PipelineSpec

__all__ = ["Recipe"]


@dataclass(frozen=True)
class Recipe:
    """The recipe of one model version.

    Attributes:
        spec: As it was, with the params that a search found, rooted where the training code of then lies.
        packages: The versions of Python and of the packages it was made with, and the kernels of its arithmetic.
        threads: How many threads the arithmetic had: the last bits of a sum depend on its order.
        has_code: Whether the training code is the project's, and so there; that of an installed package is not.
    """

    spec: PipelineSpec
    packages: Mapping[str, str]
    threads: int
    has_code: bool

    def changed_packages(self, now: Mapping[str, str]) -> tuple[str, ...]:
        """Return the packages that are not those of then, as ``name then (now version)``.

        >>> from unittest.mock import sentinel
        >>> recipe = Recipe(sentinel.spec, {"python": "3.11.7", "skops": "0.14"}, threads=1, has_code=True)
        >>> recipe.changed_packages({"python": "3.12.1", "skops": "0.14", "optuna": "5.0"})
        ('optuna none (now 5.0)', 'python 3.11.7 (now 3.12.1)')
        """
        return tuple(
            f"{name} {self.packages.get(name, 'none')} (now {now.get(name, 'none')})"
            for name in sorted({*self.packages, *now})
            if self.packages.get(name) != now.get(name)
        )
