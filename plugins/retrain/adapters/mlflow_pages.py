"""URLs of MLflow's pages; computing them needs neither MLflow nor its server."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

__all__ = ["run_page_url", "strip_login", "version_page_url"]


def run_page_url(base: str, experiment: str, run_id: str) -> str:
    """Return the URL of a run's page; `base` is the server's URL without a trailing slash."""
    return f"{base}/#/experiments/{experiment}/runs/{run_id}"


def version_page_url(base: str, model: str, version: int) -> str:
    """Return the URL of a model version's page; `base` is the server's URL without a trailing slash."""
    return f"{base}/#/models/{quote(model, safe='')}/versions/{version}"


def strip_login(url: str) -> str:
    """Return a URL without its user name and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
