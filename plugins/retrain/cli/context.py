"""The context of a command: which state folder, ledger, MLflow server and store it works on.

The options stand on the root command. What they leave out comes from a profile in ``retrain.toml`` or ``pyproject.toml``, and
what no profile sets from the nearest ``.retrain`` folder.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from retrain.adapters.sql_ledger import SqlLedger
from retrain.cli.resources import CliResources
from retrain.core.names import PRODUCTION
from retrain.core.spec.rules import did_you_mean
from retrain.errors import NotFoundError, SpecError, SpecProblem

__all__ = ["DEVELOPMENT", "STATE_FOLDER", "CliContext", "Profile", "find_context"]

DEVELOPMENT: Final = "development"
"""The timeline of `retrain run`, and of the commands that read its state folder."""
STATE_FOLDER: Final = ".retrain"
LOCAL_MLFLOW: Final = "http://127.0.0.1:5000"
_FILES: Final = ("retrain.toml", "pyproject.toml")


class Profile(BaseModel):
    """What a command works on; a relative folder starts at the file that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    home: Path | None = None
    ledger: str | None = None
    tracking_uri: str | None = Field(None, alias="tracking-uri")
    store: str | None = None
    trusted_types: tuple[str, ...] = Field((), alias="trusted-types")
    timeline: str | None = None


class CliContext(BaseModel):
    """What a command works on, with every default filled in.

    Attributes:
        home: The state folder.
        ledger: The ledger's SQLAlchemy URL; None for the ledger in the state folder.
        tracking_uri: The MLflow server; None for the one of the state folder.
        store: The base URI of snapshots and scores; None for the state folder's.
        trusted_types: Types that a stored model may hold beside the built-in list.
        named_timeline: The timeline that the profile names.
    """

    model_config = ConfigDict(frozen=True)

    home: Path
    ledger: str | None = None
    tracking_uri: str | None = None
    store: str | None = None
    trusted_types: tuple[str, ...] = ()
    named_timeline: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether the state folder is one of `retrain run`: a SQLite ledger and models in folders, without any server."""
        return self.ledger is None and not (self.home / "postgres").is_dir()

    @property
    def timeline(self) -> str:
        """The timeline that a command reads if it names none."""
        return self.named_timeline or (DEVELOPMENT if self.is_local else PRODUCTION)

    @contextmanager
    def open_ledger(self) -> Iterator[SqlLedger]:
        """Open the ledger; start the PostgreSQL of the state folder for the moment if it is down.

        Raises:
            NotFoundError: The state folder has no ledger.
        """
        if self.ledger is not None:
            yield SqlLedger(self.ledger)
        elif not self.is_local:
            from retrain.sandbox.stack import Stack

            stack = Stack(Path.cwd(), self.home)
            with stack.database_only():
                yield SqlLedger(stack.database_url("retrain"))
        elif (self.home / "ledger.db").exists():
            yield SqlLedger(f"sqlite:///{self.home / 'ledger.db'}")
        else:
            raise NotFoundError(f"a ledger must be under {self.home}", got="none", fix=self._suggest_home())

    @contextmanager
    def open_resources(self) -> Iterator[CliResources]:
        """Open the bundle of ports.

        Raises:
            NotFoundError: The state folder has no ledger.
        """
        with self.open_ledger() as ledger:
            yield CliResources(
                ledger,
                store=self.store or (self.home / "store").as_uri(),
                tracking_uri=self.tracking_uri or (None if self.is_local else LOCAL_MLFLOW),
                home=self.home,
                trusted_types=self.trusted_types,
            )

    def make_home(self) -> None:
        """Make the state folder and its ledger, if the context names no other ledger."""
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / ".gitignore").write_text("*\n", encoding="utf-8")
        if self.is_local:
            SqlLedger.open(f"sqlite:///{self.home / 'ledger.db'}")

    def _suggest_home(self) -> str:
        if (self.home / "demo" / "postgres").is_dir():
            return f"The demo's is under {self.home / 'demo'}: say `retrain --home {self.home / 'demo'} ...`."
        return (
            "Make one with `retrain run MODEL --as-of ...`, or name a state folder with --home or a ledger with --ledger "
            "before the command."
        )


def find_context(
    *,
    profile: str | None,
    home: Path | None,
    ledger: str | None,
    tracking_uri: str | None,
    store: str | None,
    trusted_types: tuple[str, ...],
) -> CliContext:
    """Return the context of a command: its options, then the profile, then the nearest ``.retrain``.

    Raises:
        NotFoundError: No file defines the profile.
        SpecError: The file's section has mistakes.
    """
    settings = _find_profile(profile)
    return CliContext(
        home=(home or settings.home or _find_state_folder()).absolute(),
        ledger=ledger or settings.ledger,
        tracking_uri=tracking_uri or settings.tracking_uri,
        store=store or settings.store,
        trusted_types=trusted_types or settings.trusted_types,
        named_timeline=settings.timeline,
    )


def _find_state_folder() -> Path:
    folders = [Path.cwd(), *Path.cwd().parents]
    return next((folder / STATE_FOLDER for folder in folders if (folder / STATE_FOLDER).is_dir()), Path(STATE_FOLDER))


def _find_profile(name: str | None) -> Profile:
    """Return a profile of the nearest file that has a section for it; without a name, the file's own settings."""
    for folder in (Path.cwd(), *Path.cwd().parents):
        for file in _FILES:
            path = folder / file
            section = _read_section(path) if path.is_file() else None
            if section is not None:
                return _check_profile(path, section, name)
    if name is not None:
        raise NotFoundError(
            f"profile {name!r} must be in retrain.toml, or under [tool.retrain] of pyproject.toml",
            got="no such file here or above",
            fix="Add it, or leave --profile out.",
        )
    return Profile()


def _read_section(path: Path) -> dict[str, Any] | None:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SpecError(
            str(path), [SpecProblem("", "must be readable TOML", type(error).__name__, "Fix it.")]
        ) from None
    if path.name == "retrain.toml":
        return document
    section = document.get("tool", {}).get("retrain")
    return section if isinstance(section, dict) else None


def _check_profile(path: Path, section: dict[str, Any], name: str | None) -> Profile:
    profiles = section.get("profiles", {})
    settings = {key: value for key, value in section.items() if key != "profiles"}
    if name is not None:
        if name not in profiles:
            raise NotFoundError(
                f"profile {name!r} must be in {path}",
                got=", ".join(sorted(profiles)) or "no profiles",
                fix=did_you_mean(name, sorted(profiles)),
            )
        settings |= profiles[name]
    try:
        profile = Profile.model_validate(settings)
    except ValidationError as error:
        known = [field.alias or key for key, field in Profile.model_fields.items()]
        raise SpecError(str(path), [_problem(item, name, known) for item in error.errors()]) from None
    if profile.home is None:
        return profile
    return profile.model_copy(update={"home": path.parent / profile.home.expanduser()})


def _problem(item: Any, name: str | None, known: list[str]) -> SpecProblem:
    key = ".".join(map(str, item["loc"]))
    place = f"profiles.{name}.{key}" if name else key
    if item["type"] == "extra_forbidden":
        return SpecProblem(place, "must be a known setting", repr(key), did_you_mean(key, known))
    return SpecProblem(place, item["msg"], repr(item["input"])[:60], "Fix the value.")
