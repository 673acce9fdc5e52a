"""README.md and docs/ are true: their commands run, their code is Python, their specs are specs, their links lead somewhere."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel
from tests.readme_blocks import PAGES, ROOT, Block, blocks, live_script, run_retrain

from retrain.core.data.window import Period
from retrain.core.policy.error_control import ErrorControlSpec
from retrain.core.policy.gates import (
    Baseline,
    BeatsChampion,
    Budget,
    Calibration,
    Custom,
    Fairness,
    Fresh,
    Leakage,
    PointEstimate,
    Population,
    Slices,
    Strict,
    Tail,
    Threshold,
)
from retrain.core.spec import (
    DataSpec,
    Distribution,
    EvaluationSpec,
    ExecutionSpec,
    PipelineSpec,
    PromotionSpec,
    SearchSpec,
    TrainSpec,
    ValidationSpec,
    WindowSpec,
    load_spec,
    parse_spec,
    spec_json_schema,
)
from retrain.core.stats.metric_names import METRICS_BY_TASK, MetricName

README = ROOT / "README.md"
TUTORIAL = ROOT / "docs" / "tutorial" / "first-pipeline.md"
CUSTOM_GATE = ROOT / "docs" / "how-to" / "custom-gate.md"
REFERENCE = ROOT / "docs" / "reference" / "pipeline-spec.md"
SECTIONS: dict[str, type[BaseModel]] = {
    "## Top level": PipelineSpec,
    "## data": DataSpec,
    "### data.window": WindowSpec,
    "## validation": ValidationSpec,
    "## train": TrainSpec,
    "### train.search": SearchSpec,
    "### train.search.params": Distribution,
    "## evaluation": EvaluationSpec,
    "### gate: threshold": Threshold,
    "### gate: fresh": Fresh,
    "### gate: strict": Strict,
    "### gate: beats_champion": BeatsChampion,
    "### gate: slices": Slices,
    "### gate: baseline": Baseline,
    "### gate: fairness": Fairness,
    "### gate: calibration": Calibration,
    "### gate: tail": Tail,
    "### gate: point_estimate": PointEstimate,
    "### gate: population": Population,
    "### gate: leakage": Leakage,
    "### gate: budget": Budget,
    "### gate: custom": Custom,
    "## error_control": ErrorControlSpec,
    "## promotion": PromotionSpec,
    "## execution": ExecutionSpec,
}
SECONDS = re.compile(r"\b\d+\.\d s\b")
NUMBER = re.compile(r"[+-]?\d+\.\d{3,}")


def of_every_page(language: str, *tags: str) -> list[Any]:
    return [pytest.param(block, id=str(block)) for page in PAGES for block in blocks(page, language, *tags)]


def pages_with_commands() -> list[Any]:
    return [
        pytest.param(page, id=str(page.relative_to(ROOT)))
        for page in PAGES
        if any("live" not in block.tags for block in blocks(page, "console"))
    ]


def run(command: str, folder: Path) -> tuple[int, str]:
    """Run a command as a reader types it; return its exit code and what it printed."""
    words = shlex.split(command)
    if words[0] == "retrain":
        return run_retrain(words[1:], folder)
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def scaffold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `retrain init churn` makes."""
    folder = tmp_path_factory.mktemp("scaffold")
    script = Path(sys.executable).with_name("retrain")
    subprocess.run([script, "init", "churn"], cwd=folder, check=True)
    return folder


@pytest.fixture
def project(scaffold: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(scaffold, tmp_path / "project"))


def commands(block: Block) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a console block with the lines of output that the page shows."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, [line for line in output.splitlines() if line.strip()]


def is_shown(line: str, output: str) -> bool:
    """Whether output has a line as the page shows it: … is any text, seconds vary, and the last digits may differ."""
    pattern = NUMBER.sub("#", SECONDS.sub("# s", " ".join(line.split())))
    numbers = [float(number) for number in NUMBER.findall(line)]
    number = f"({NUMBER.pattern})"
    shown = re.compile(re.escape(pattern).replace("\\#\\ s", SECONDS.pattern).replace("\\#", number).replace("…", ".*"))
    found = (shown.fullmatch(" ".join(text.split())) for text in output.splitlines())
    return any(
        match and [float(item) for item in match.groups()] == pytest.approx(numbers, abs=0.02) for match in found
    )


@pytest.mark.parametrize("page", pages_with_commands())
def test_the_commands_of_a_page_run_in_order_and_print_what_it_shows(
    page: Path, scaffold: Path, tmp_path: Path
) -> None:
    # README and tutorial begin with an empty folder; the other pages with the project that their first command makes.
    folder = tmp_path if page in (README, TUTORIAL) else Path(shutil.copytree(scaffold, tmp_path / "project"))
    for block in blocks(page):
        name = block.setting("file")
        if name is not None and not name.startswith("dags/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(block.text)
        if block.language != "console" or "live" in block.tags:
            continue
        wanted = list(commands(block))
        for number, (command, shown) in enumerate(wanted, start=1):
            code, output = run(command, folder)
            expected = int(block.setting("exit") or 0) if number == len(wanted) else 0
            assert code == expected, f"{block}: {command}\n{output}"
            missing = [line for line in shown if not is_shown(line, output)]
            assert not missing, f"{block}: {command} must print {missing}, but printed\n{output}"


@pytest.mark.parametrize("block", of_every_page("yaml"))
def test_every_spec_and_every_part_of_one_is_good(block: Block, project: Path) -> None:
    if "wrong" in block.tags:
        pytest.skip("shows mistakes; its errors are compared with what `retrain check` prints")
    if "package" in block.tags:
        pytest.skip(
            "names what a package offers; read where that is installed, by tests/packaging/test_sample_package.py"
        )
    path = project / "include" / "pipelines" / "churn.yaml"
    document = yaml.safe_load(path.read_text()) | yaml.safe_load(block.text)
    assert parse_spec(yaml.safe_dump(document), source=str(block)).model == "churn"
    if block.text.startswith("model:") and "data" in yaml.safe_load(block.text):
        path.write_text(block.text)
        spec = load_spec(path)
        assert all((project / name).is_file() for name in (spec.data.query, spec.validation.suite) if name is not None)


def test_the_tutorial_shows_the_spec_that_init_makes(project: Path) -> None:
    shown = next(block for block in blocks(TUTORIAL, "yaml") if block.text.startswith("model:"))
    made = load_spec(project / "include" / "pipelines" / "churn.yaml")
    assert parse_spec(shown.text).model_copy(update={"owner": made.owner}).digest == made.digest


@pytest.mark.parametrize("block", of_every_page("python"))
def test_every_python_block_compiles(block: Block) -> None:
    compile(block.text, str(block), "exec")


def test_every_dag_file_is_one_that_airflow_parses(project: Path) -> None:
    files = [block for page in PAGES for block in blocks(page, "python") if "DAG(" in block.text]
    assert files
    for block in files:
        (project / str(block.setting("file"))).write_text(block.text)
    script = (
        "import sys; from airflow.dag_processing.dagbag import DagBag; bag = DagBag(sys.argv[1]);"
        "print(bag.import_errors); print(sorted(bag.dags))"
    )
    # In a process of its own: the project has an `include` package, and so has this checkout.
    command: list[str | Path] = [sys.executable, "-c", script, project / "dags"]
    done = subprocess.run(command, cwd=project, check=True, capture_output=True, text=True)
    errors, dags = done.stdout.splitlines()[-2:]
    assert errors == "{}", done.stdout
    operations = {f"retrain_{name}" for name in ("force", "freeze", "reconcile", "rehearsal", "replay", "rollback")}
    assert set(ast.literal_eval(dags)) == operations | {"after_churn", "churn", "churn_by_hand"}, done.stdout


def test_the_gate_of_the_how_to_keeps_the_promises_that_its_test_checks(project: Path) -> None:
    code, test = (block for block in blocks(CUSTOM_GATE, "python") if "BigPlans" in block.text)
    for block in (code, test):
        (project / str(block.setting("file"))).parent.mkdir(exist_ok=True)
        (project / str(block.setting("file"))).write_text(block.text)
    # In a process of its own: the project has an `include` package, and so has this checkout.
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        project,
        str(test.setting("file")),
    ]
    places = [project, *(path for path in sys.path if path and Path(path) != ROOT)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, places))}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("block", of_every_page("bash"))
def test_every_bash_block_is_left_to_a_live_test_and_well_formed(block: Block) -> None:
    assert "live" in block.tags
    assert block.tags & {"rest", "cli", "api"}
    assert subprocess.run(["bash", "-n", "-c", block.text]).returncode == 0


@pytest.mark.parametrize("tag", ["rest", "cli", "api"])
def test_the_live_blocks_make_one_script(tag: str) -> None:
    assert subprocess.run(["bash", "-n", "-c", live_script(tag)]).returncode == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_its_heading(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        name, _, heading = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{page.name} links to {target}"
        if heading:
            titles = re.findall(r"^#+ (.+)$", path.read_text(), flags=re.MULTILINE)
            assert heading in [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles], target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_test_that_a_page_names_is_there(page: Path) -> None:
    for file, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text()):
        assert (ROOT / file).is_file(), f"{page.name} names {file}"
        assert f"def {name}(" in (ROOT / file).read_text(), f"{page.name} names {name} of {file}"


def rows_under(heading: str) -> dict[str, list[str]]:
    """Return the rows of the table under a heading by their key: type, default, meaning."""
    text = REFERENCE.read_text().split(f"\n{heading}\n", 1)[1]
    text = re.split(r"^#+ ", text, maxsplit=1, flags=re.MULTILINE)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {row[0].strip("`"): row[1:] for row in rows[2:]}


@pytest.mark.parametrize(("heading", "model"), SECTIONS.items())
def test_the_reference_has_every_key_with_its_default_and_its_choices(heading: str, model: type[BaseModel]) -> None:
    rows = rows_under(heading)
    assert list(rows) == list(model.model_fields)
    for key, field in model.model_fields.items():
        kind, default, meaning = rows[key]
        if field.is_required():
            assert default == "required", key
        else:
            assert default.strip("`") in ways_to_write(field.get_default(call_default_factory=True)), key
        for choice in choices_of(field.annotation):
            assert f"`{choice}`" in f"{kind} {meaning}", f"{heading} {key}: {choice}"


def ways_to_write(value: Any) -> set[str]:
    """Return how a page may show a default."""
    if value is None:
        return {"none", "all others"}
    if isinstance(value, ErrorControlSpec | PromotionSpec | ExecutionSpec):
        return {"{}"} if value == type(value)() else set()
    if isinstance(value, tuple | dict) and not value:
        return {"[]", "{}"}
    return {str(value), repr(value).replace("'", '"')}


def choices_of(annotation: Any) -> list[str]:
    if annotation is Period:
        return [period.value for period in Period]
    if annotation == MetricName:
        return []  # the page lists them once, see below
    return [item for item in get_args(annotation) if isinstance(item, str)]


def test_the_reference_has_every_metric() -> None:
    meaning = rows_under("## evaluation")["metrics"][-1]
    assert set(re.findall(r"`(\w+)`", meaning)) == {name for names in METRICS_BY_TASK.values() for name in names}


def test_the_reference_has_every_kind_of_gate() -> None:
    spoken_of = {
        get_args(model.model_fields["check"].annotation)[0]
        for heading, model in SECTIONS.items()
        if heading.startswith("### gate: ")
    }
    schema = spec_json_schema()
    assert spoken_of == set(schema["properties"]["gate"]["items"]["discriminator"]["mapping"])
