"""Self-contained pages: one HTML file each, without scripts or external files, with all names escaped."""

from __future__ import annotations

import base64
import hashlib
import math
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

__all__ = ["load_templates", "number", "render_page"]

_STYLE: Final = "page.css"


def load_templates() -> None:
    """Compile all pages, once per process, which saves each forked worker 0.1 s."""
    for name in _pages().list_templates(extensions=["html"]):
        _pages().get_template(name)


def render_page(template: str, **facts: Any) -> str:
    """Return a rendered page of `templates/`; every value is escaped.

    Its content security policy runs no script and loads only its own pictures, even if it is opened as a file.
    """
    style = files("retrain.reports").joinpath("templates", _STYLE).read_text(encoding="utf-8")
    fingerprint = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{fingerprint}'; img-src data:; base-uri 'none'; form-action 'none'"
    # S704: the style is a file of this package
    page: str = _pages().get_template(template).render(style=Markup(style), policy=policy, **facts)  # noqa: S704
    return page


@cache
def _pages() -> Environment:
    pages = Environment(
        loader=PackageLoader("retrain.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.globals |= {"number": number, "isnan": math.isnan, "isfinite": math.isfinite}
    return pages


def number(value: float | None, *, signed: bool = False) -> str:
    """Return a metric as text: four digits after the point, fewer if it is large, a dash if it is missing."""
    if value is None or not math.isfinite(value):
        return "–"
    digits = 4 if abs(value) < 100 else 1 if abs(value) < 10_000 else 0
    return f"{value:{'+' if signed else ''},.{digits}f}"
