"""How a contract suite says that a promise is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["check_promises", "must_hold", "must_raise"]


def check_promises(promises: Iterable[Callable[..., None]], *arguments: Any) -> None:
    """Call every promise; raise AssertionError with the name of the first that is broken, or that ends in another error."""
    for promise in promises:
        name = promise.__name__.replace("_", " ")
        try:
            promise(*arguments)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
        except Exception as error:
            raise AssertionError(f"{name}: must not raise {type(error).__name__}: {error}") from error


def must_hold(condition: bool, promise: str) -> None:
    """Raise AssertionError with the promise unless the condition holds."""
    if not condition:
        raise AssertionError(promise)


def must_raise(expected: type[Exception], call: Callable[[], Any], occasion: str) -> None:
    """Raise AssertionError unless the call raises the expected error."""
    try:
        call()
    except expected:
        return
    except Exception as error:
        raise AssertionError(f"must raise {expected.__name__} {occasion}, not {type(error).__name__}") from error
    raise AssertionError(f"must raise {expected.__name__} {occasion}, but raises nothing")
