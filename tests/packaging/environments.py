"""Fresh virtual environments out of the packages of this one, without an index: what a list of requirements brings, and no more."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[2]


def build_wheel(project: Path, folder: Path) -> Path:
    """Build the wheel of a project with what this environment has."""
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        folder,
        project,
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return path


def required_names(requirements: Iterable[str]) -> set[str]:
    """Return the distributions that requirements bring here, with all that those require in turn."""
    found: set[tuple[str, str]] = set()
    pending = [(item, "") for item in map(Requirement, requirements)]
    while pending:
        requirement, parent_extra = pending.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": parent_extra}):
            continue
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) not in found:
                found.add((name, extra))
                pending += [(Requirement(line), extra) for line in distribution(name).requires or ()]
    return {name for name, _ in found}


class FreshEnvironment:
    """A virtual environment with some distributions of this one by symbolic link."""

    def __init__(self, root: Path, names: set[str]) -> None:
        self.root = root
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / "venv"], check=True)
        self.python = root / "venv" / "bin" / "python"
        (site_packages,) = (root / "venv" / "lib").glob("python*/site-packages")
        here = Path(sysconfig.get_path("purelib"))
        wanted, others = (
            {
                path
                for found in distributions(path=[str(here)])
                if (canonicalize_name(found.name) in names) is included
                for path in _files_of(found)
            }
            for included in (True, False)
        )
        _link(Path(), here, site_packages, _folders(wanted), _folders(others))

    def install(self, *wheels: Path) -> None:
        """Install wheels as they are."""
        options = ["--quiet", "--no-deps", "--no-index"]
        command: list[str | Path] = [sys.executable, "-m", "pip", "--python", self.python, "install", *options, *wheels]
        subprocess.run(command, check=True)

    def run(
        self, *command: str | Path, cwd: Path | None = None, must_work: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command away from the checkout, with nothing inherited that could name it."""
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "PYTHON", "COV_CORE"))
        }
        environment = kept | {"AIRFLOW_HOME": str(self.root / "home"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        done = subprocess.run(command, env=environment, cwd=cwd or self.root, capture_output=True, text=True)
        assert done.returncode == 0 or not must_work, done.stdout + done.stderr
        return done

    @property
    def command(self) -> Path:
        """The command line of retrain."""
        return self.python.with_name("retrain")


def _files_of(found: Distribution) -> Iterator[Path]:
    for file in found.files or ():
        path = Path(file)
        if ".." not in path.parts and "__pycache__" not in path.parts:
            yield path


def _folders(files: set[Path]) -> set[Path]:
    return files | {parent for file in files for parent in file.parents}


def _link(place: Path, here: Path, there: Path, wanted: set[Path], others: set[Path]) -> None:
    """Link a folder as a whole if nothing else lies in it, else what is wanted of it."""
    for entry in (here / place).iterdir():
        path = entry.relative_to(here)
        if path not in wanted:
            continue
        if path in others and entry.is_dir():
            (there / path).mkdir()
            _link(path, here, there, wanted, others)
        else:
            (there / path).symlink_to(entry)
