"""Keeps production models fresh on Apache Airflow: snapshot, validate, train, compare, decide, promote, and prove why."""

__version__ = "0.1.0"

__all__ = ["__version__"]
