"""The recipe of a model: everything needed to train it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from retrain.core.spec import PipelineSpec

__all__ = ["Recipe"]


@dataclass(frozen=True)
class Recipe:
    """The recipe of one model version.

    Attributes:
        spec: The spec at the time, with the params that a search found; its root holds the stored training code.
        packages: The versions of Python and of the packages at the time, and the BLAS kernels, by name.
        threads: Number of arithmetic threads at the time; the order of a sum decides its last bits.
        has_code: Whether the recipe stores the training code: true for project code, false for an installed package.
    """

    spec: PipelineSpec
    packages: Mapping[str, str]
    threads: int
    has_code: bool

    def changed_packages(self, now: Mapping[str, str]) -> tuple[str, ...]:
        """Return the packages whose version differs from `now`, as ``name previous (now current)``.

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
