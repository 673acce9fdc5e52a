"""The contract of `ModelRegistry` as a suite: what one process can see."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from retrain.core.ports import DatasetRef, ModelRegistry
from retrain.core.training.artifact import digest_manifest
from retrain.errors import IntegrityError, NotFoundError
from retrain.testing.promises import check_promises, must_hold, must_raise

__all__ = ["REGISTRY_PROMISES", "check_registry"]

_KEY: Final = "a" * 64
_OTHER_KEY: Final = "b" * 64


def check_registry(registry: ModelRegistry) -> None:
    """Check that a registry keeps every promise; run each one alone with `REGISTRY_PROMISES`.

    Every promise makes models of new names, so a registry that others use may be checked; it keeps those models.

    Args:
        registry: What is checked.

    Raises:
        AssertionError: It breaks a promise.
    """
    check_promises(REGISTRY_PROMISES, registry)


def finds_nothing_before_it_is_made(registry: ModelRegistry) -> None:
    """A model that was never made has no challenger, no version and no alias."""
    model = _new_model()
    must_hold(registry.find_challenger(model, _KEY) is None, "find_challenger must return None for an unknown model")
    must_hold(registry.find_version(model, 1) is None, "find_version must return None for an unknown model")
    must_hold(registry.alias_version(model, "champion") is None, "alias_version must return None for an unknown model")


def opens_one_run_per_key(registry: ModelRegistry) -> None:
    """A key has one run, which keeps its params and tags as texts."""
    model = _new_model()
    run = _open_run(registry, model, _KEY)
    must_hold(_open_run(registry, model, _KEY) == run, "a key must have one run")
    must_hold(_open_run(registry, model, _OTHER_KEY) != run, "another key must have another run")
    must_hold(registry.run_params(run).get("depth") == "3", "a run must keep its params as texts")
    must_hold(registry.run_tags(run).get("retrain.timeline") == "production", "a run must keep its tags")
    must_raise(NotFoundError, lambda: registry.run_tags("0" * 32), "for the tags of an unknown run")
    must_raise(NotFoundError, lambda: registry.run_params("0" * 32), "for the params of an unknown run")


def publishes_one_version_per_key(registry: ModelRegistry) -> None:
    """A key has one version however often it is published; versions count up."""
    model = _new_model()
    with _artifact() as folder:
        first = registry.publish(model, _KEY, _open_run(registry, model, _KEY), folder)
        again = registry.publish(model, _KEY, _open_run(registry, model, _KEY), folder)
        second = registry.publish(model, _OTHER_KEY, _open_run(registry, model, _OTHER_KEY), folder)
        digest = digest_manifest(folder)
    must_hold(again == first, "a key must have one version, however often it is published")
    must_hold((first.version, second.version) == (1, 2), "versions must count up from 1")
    must_hold(first.manifest_digest == digest, "a version must have the digest of its folder's manifest")
    must_hold(registry.find_challenger(model, _KEY) == first, "a version must be found by its key")
    must_hold(registry.find_version(model, 1) == first, "a version must be found by its number")


def fetches_what_was_made(registry: ModelRegistry) -> None:
    """A copy has the recorded digest; another digest is an IntegrityError, and another version is not found."""
    model = _new_model()
    with _artifact() as folder, tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        made = registry.publish(model, _KEY, _open_run(registry, model, _KEY), folder)
        places = [Path(scratch) / name for name in ("copy", "wrong", "missing")]
        for place in places:
            place.mkdir()
        copy = registry.fetch(model, made.version, made.manifest_digest, places[0])
        must_hold(digest_manifest(copy) == made.manifest_digest, "what is fetched must be what was published")
        wrong = "0" * 64
        must_raise(IntegrityError, lambda: registry.fetch(model, 1, wrong, places[1]), "for another digest")
        must_raise(NotFoundError, lambda: registry.fetch(model, 99, wrong, places[2]), "for an unknown version")


def points_aliases_at_versions(registry: ModelRegistry) -> None:
    """An alias names the version that it was last set to."""
    model = _new_model()
    with _artifact() as folder:
        for key in (_KEY, _OTHER_KEY):
            made = registry.publish(model, key, _open_run(registry, model, key), folder)
            registry.set_alias(model, "champion", made.version)
            must_hold(registry.alias_version(model, "champion") == made.version, "an alias must name its version")
    must_hold(registry.alias_version(model, "other") is None, "an alias that was never set names no version")


def takes_the_same_facts_twice(registry: ModelRegistry) -> None:
    """Params, the dataset, metrics and files may be written again, as a retry does."""
    run = _open_run(registry, _new_model(), _KEY)
    dataset = DatasetRef("rows", "d" * 32, "file:///rows", 7)
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        file = Path(scratch) / "plot.txt"
        file.write_text("a plot", encoding="utf-8")
        for _ in range(2):
            registry.log_params(run, {"trials": 2})
            registry.log_dataset(run, dataset)
            registry.log_evaluation(run, {"roc_auc": 0.7}, [file])
            registry.log_files(run, [file], "decision")
    must_hold(registry.run_params(run).get("trials") == "2", "a run must keep params that are added")


def gives_addresses(registry: ModelRegistry) -> None:
    """A run, its files and a version have addresses."""
    model = _new_model()
    with _artifact() as folder:
        run = _open_run(registry, model, _KEY)
        made = registry.publish(model, _KEY, run, folder)
        registry.describe_version(model, made.version, "a **description**")
    addresses = [
        registry.run_url(run),
        registry.file_url(run, "decision/plot.txt"),
        registry.version_url(model, made.version),
    ]
    must_hold(all("://" in address for address in addresses), "every address must be a URL")
    must_hold(len(set(addresses)) == len(addresses), "every page must have an address of its own")


REGISTRY_PROMISES: Final[tuple[Callable[[ModelRegistry], None], ...]] = (
    finds_nothing_before_it_is_made,
    opens_one_run_per_key,
    publishes_one_version_per_key,
    fetches_what_was_made,
    points_aliases_at_versions,
    takes_the_same_facts_twice,
    gives_addresses,
)
"""Each takes a registry; each raises AssertionError if the promise is broken."""


def _new_model() -> str:
    return f"suite-{uuid4().hex[:12]}"


def _open_run(registry: ModelRegistry, model: str, key: str) -> str:
    return registry.open_run(model, key, name="a run", params={"depth": 3}, tags={"retrain.timeline": "production"})


@contextmanager
def _artifact() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        folder = Path(scratch) / "model"
        (folder / "deep").mkdir(parents=True)
        (folder / "MLmodel").write_text("flavors: {}\n", encoding="utf-8")
        (folder / "deep" / "weights.bin").write_bytes(bytes(range(256)))
        yield folder
