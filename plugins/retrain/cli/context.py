"""The context of a command: which state folder, ledger, MLflow server and store it works on.

The options stand on the root command. What they leave out comes from a profile in ``retrain.toml`` or ``pyproject.toml``, and
what no profile sets from the nearest ``.retrain`` folder: of its own ledger, or else of the platform that `retrain up` or
`retrain demo` made in it.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from retrain.adapters.sql_ledger import SqlLedger
from retrain.adapters.whole_file import make_private_folder, write_whole
from retrain.cli.resources import CliResources
from retrain.core.names import PRODUCTION
from retrain.core.spec.rules import did_you_mean
from retrain.errors import NotFoundError, SpecError, SpecProblem

__all__ = ["DEVELOPMENT", "PLATFORM_FOLDERS", "STATE_FOLDER", "CliContext", "Profile", "find_context"]

DEVELOPMENT: Final = "development"
"""The timeline of `retrain run`, and of the commands that read its state folder."""
STATE_FOLDER: Final = ".retrain"
PLATFORM_FOLDERS: Final = ("up", "demo")
"""Where `retrain up` and `retrain demo` keep their servers' state, inside the state folder."""
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
        nearest: The nearest ``.retrain``, if `home` is a platform that was found in it; otherwise None.
        ledger: The ledger's SQLAlchemy URL; None for the ledger in the state folder.
        tracking_uri: The MLflow server; None for the one of the state folder.
        store: The base URI of snapshots and scores; None for the state folder's.
        trusted_types: Types that a stored model may hold beside the built-in list.
        named_timeline: The timeline that the profile names.
    """

    model_config = ConfigDict(frozen=True)

    home: Path
    nearest: Path | None = None
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

    @property
    def simulation(self) -> str:
        """The timeline that `retrain run` writes if it names none; never production."""
        return self.timeline if self.timeline != PRODUCTION else DEVELOPMENT

    def without_servers(self) -> CliContext:
        """Return the context of a command that needs no server: it works in the nearest ``.retrain``, not on a platform in it."""
        return self if self.nearest is None else self.model_copy(update={"home": self.nearest, "nearest": None})

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
                yield SqlLedger.open(stack.database_url("retrain"))
        elif (self.home / "ledger.db").exists():
            yield SqlLedger.open(f"sqlite:///{self.home / 'ledger.db'}")
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
                tracking_uri=self.find_mlflow(),
                home=self.home,
                trusted_types=self.trusted_types,
            )

    def make_home(self) -> None:
        """Make the state folder and its ledger, if the context names no other ledger."""
        if not self.home.is_dir():
            make_private_folder(self.home)
            write_whole(self.home / ".gitignore", "*\n")
        if self.is_local:
            SqlLedger.open(f"sqlite:///{self.home / 'ledger.db'}")

    def find_mlflow(self) -> str | None:
        """Return the address of MLflow: that of the option, or at which the state folder's servers were started; None if local."""
        if self.tracking_uri or self.is_local:
            return self.tracking_uri
        try:
            return str(json.loads((self.home / "servers.json").read_text(encoding="utf-8"))["mlflow"])
        except (OSError, ValueError, KeyError):
            return LOCAL_MLFLOW

    def _suggest_home(self) -> str:
        if platforms := _list_platforms(self.home):
            return f"Name one of them, as in `retrain --home {platforms[0]} ...`: {', '.join(map(str, platforms))}."
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
    chosen = home or settings.home
    nearest = (chosen or _find_state_folder()).absolute()
    platform = None if chosen or _has_ledger(nearest) else _find_only_platform(nearest)
    return CliContext(
        home=platform or nearest,
        nearest=nearest if platform else None,
        ledger=ledger or settings.ledger,
        tracking_uri=tracking_uri or settings.tracking_uri,
        store=store or settings.store,
        trusted_types=trusted_types or settings.trusted_types,
        named_timeline=settings.timeline,
    )


def _find_state_folder() -> Path:
    folders = [Path.cwd(), *Path.cwd().parents]
    return next((folder / STATE_FOLDER for folder in folders if (folder / STATE_FOLDER).is_dir()), Path(STATE_FOLDER))


def _has_ledger(home: Path) -> bool:
    return (home / "ledger.db").exists() or (home / "postgres").is_dir()


def _list_platforms(home: Path) -> list[Path]:
    return [home / name for name in PLATFORM_FOLDERS if (home / name / "postgres").is_dir()]


def _find_only_platform(home: Path) -> Path | None:
    platforms = _list_platforms(home)
    return platforms[0] if len(platforms) == 1 else None


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
