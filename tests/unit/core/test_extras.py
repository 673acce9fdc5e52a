"""Extras, by modules that are there and modules that are not."""

from __future__ import annotations

import sys

import pytest

from retrain.core.extras import EXTRAS, needs_extra, require_extra
from retrain.errors import InstallError


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_installed_extra_is_enough(extra: str) -> None:
    require_extra(extra, "this test")  # type: ignore[arg-type]


def test_a_missing_module_names_the_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    fix = r"a search needs the extra \[search\]; got no module named optuna. .*pip install 'airflow-provider-retrain\[search\]'"
    with pytest.raises(InstallError, match=fix):
        require_extra("search", "a search")
    with pytest.raises(InstallError, match=fix), needs_extra("search", "a search"):
        import optuna  # noqa: F401


def test_a_missing_parent_package_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRAS, "search", ("no_such_package.part",))
    with pytest.raises(InstallError, match=r"no module named no_such_package\.part"):
        require_extra("search", "a search")


def test_another_missing_module_is_another_error() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"), needs_extra("search", "a search"):
        import no_such_module  # type: ignore[import-not-found]  # it is the point  # noqa: F401
