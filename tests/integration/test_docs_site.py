"""The documentation site builds without a warning, needs no other host, and does not build with a broken link."""

from __future__ import annotations

import logging
import re
import shutil
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort
from tests.readme_blocks import ROOT

LOADED = re.compile(
    r"""<(?:script|img|iframe|source)[^>]*\bsrc=["']?https?://|<link[^>]*\bhref=["']?https?://[^>]*rel=["']?stylesheet"""
)


def build_site(docs: Path, site: Path) -> None:
    """Build pages as `make docs` does."""
    config = load_config(str(ROOT / "mkdocs.yml"), docs_dir=str(docs), site_dir=str(site))
    config.plugins.on_startup(command="build", dirty=False)
    build(config)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build_site(ROOT / "docs", folder)
    return folder


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 40
    assert [page.name for page in pages if LOADED.search(page.read_text())] == []
    assert (site / "javascripts" / "mermaid.tiny.js").stat().st_size > 1_000_000


def test_the_generated_pages_name_every_command_setting_and_route(site: Path) -> None:
    expected = {
        "cli": "retrain ledger verify",
        "settings": "AIRFLOW__RETRAIN__STORE",
        "rest": "Go back to a version that was live",
    }
    for name, text in expected.items():
        assert text in (site / "reference" / f"{name}.html").read_text(), name


def test_a_broken_link_anchor_or_path_fails_the_build(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    docs = Path(shutil.copytree(ROOT / "docs", tmp_path / "docs"))
    with (docs / "how-to" / "data.md").open("a") as page:
        page.write("[a](gone.md) [b](schedule.md#gone) [c](../../tests/gone.py)\n")
    with caplog.at_level(logging.WARNING, logger="mkdocs"), pytest.raises(Abort, match="3 warnings"):
        build_site(docs, tmp_path / "site")
    for target in ("gone.md", "schedule.md#gone", "tests/gone.py"):
        assert target in caplog.text
