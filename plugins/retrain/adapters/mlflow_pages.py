"""The addresses of MLflow's own pages; knowing them takes neither MLflow nor its server."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

__all__ = ["run_page_url", "strip_login", "version_page_url"]


def run_page_url(base: str, experiment: str, run_id: str) -> str:
    """Return the address of a run's page."""
    return f"{base}/#/experiments/{experiment}/runs/{run_id}"


def version_page_url(base: str, model: str, version: int) -> str:
    """Return the address of a version's page."""
    return f"{base}/#/models/{quote(model, safe='')}/versions/{version}"


def strip_login(address: str) -> str:
    """Return an address without the name and password in it."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
