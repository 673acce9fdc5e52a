"""Parsing of many specs: `load_dags`, as many plain DAG objects and dag-factory, side by side; and the start of one task.

    python benchmarks/bench_parsing.py --specs 1000

Each measurement runs in a fresh fork of one process that has imported everything, so no contender sees the objects of another.
The contenders take turns, and CPU seconds count because other load does not change them much; each is the best of the repeats.
dag-factory is measured when it is installed (`pip install dag-factory`).
"""

from __future__ import annotations

import argparse
import gc
import importlib.metadata
import json
import logging
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING")  # before Airflow is imported

import yaml
from page import write_between_marks

ROOT = Path(__file__).resolve().parents[1]
STEPS = ["snapshot", "validate", "train", "evaluate", "gate", "promote"]
EMPTY = "airflow.providers.standard.operators.empty.EmptyOperator"
DAG_FILE = "from retrain.dags import load_dags  # airflow dag\nload_dags({folder!r})\n"

Load = Callable[[Path], list[Any]]


def build_plain_dags(folder: Path) -> list[Any]:
    """Return a DAG of six empty tasks per spec file."""
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.sdk import DAG, chain

    dags = []
    for path in sorted(folder.glob("*.yaml")):
        with DAG(
            f"plain_{path.stem}", schedule="@monthly", start_date=datetime(2013, 2, 1, tzinfo=UTC), catchup=False
        ) as dag:
            chain(*[EmptyOperator(task_id=step, owner="ann", retries=3) for step in STEPS])
        dags.append(dag)
    return dags


def build_retrain_dags(folder: Path) -> list[Any]:
    from retrain.dags import load_dags

    return load_dags(folder)


def build_dag_factory_dags(folder: Path) -> list[Any]:
    """Return the same plain DAGs, read from one YAML file each."""
    from dagfactory import load_yaml_dags

    found: dict[str, Any] = {}
    for path in sorted((folder / "dag_factory").glob("*.yaml")):
        load_yaml_dags(found, config_filepath=str(path), defaults_config_path=str(folder))
    return list(found.values())


CONTENDERS: dict[str, Load] = {
    "plain DAG objects": build_plain_dags,
    "retrain": build_retrain_dags,
    "dag-factory": build_dag_factory_dags,
}


def measure_load(name: str, folder: Path) -> dict[str, float]:
    """Load and serialise the DAGs of one contender in this process."""
    from airflow.serialization.serialized_objects import DagSerialization

    begin = time.process_time()
    dags = CONTENDERS[name](folder)
    loaded = time.process_time()
    sizes = [DagSerialization.to_dict(dag) for dag in dags]
    end = time.process_time()
    kilobytes = sum(len(json.dumps(document)) for document in sizes) / 1024
    return {"dags": len(dags), "load": loaded - begin, "serialise": end - loaded, "kB": kilobytes / max(len(dags), 1)}


def measure_start(dag_id: str, dag_file: Path) -> dict[str, float]:
    """Parse a DAG file as Airflow does before it runs a task of a DAG."""
    from airflow.dag_processing.dagbag import DagBag

    os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = dag_id
    begin = time.process_time()
    bag = DagBag(str(dag_file), bundle_name="bench")
    seconds = time.process_time() - begin
    assert dag_id in bag.dags, bag.import_errors
    return {"seconds": seconds}


def run_in_fork(measure: Callable[..., dict[str, float]], *arguments: Any) -> dict[str, float]:
    """Return what a measurement returns, from a fork of this process."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def work() -> None:
        sender.send(measure(*arguments))

    process = context.Process(target=work)
    gc.freeze()  # as Airflow's DAG processor does before it forks
    process.start()
    gc.unfreeze()
    sender.close()
    try:
        result: dict[str, float] = receiver.recv()
    finally:
        process.join()
    return result


def take_best(runs: list[dict[str, float]]) -> dict[str, float]:
    return {key: min(run[key] for run in runs) for key in runs[0]}


def write_specs(folder: Path, count: int, *, named: bool = True) -> Path:
    """Write specs, and the same number of dag-factory's files; unless `named`, the file names say nothing of the models."""
    (folder / "dag_factory").mkdir(parents=True)
    document = yaml.safe_load((ROOT / "include/pipelines/flight_delay.yaml").read_text(encoding="utf-8"))
    for number in range(count):
        model = f"model_{number:04}"
        file = f"{model if named else f'pipeline_{number:04}'}.yaml"
        (folder / file).write_text(yaml.safe_dump(document | {"model": model}, sort_keys=False), encoding="utf-8")
        tasks = [
            {"task_id": step, "operator": EMPTY, "dependencies": STEPS[max(0, place - 1) : place]}
            for place, step in enumerate(STEPS)
        ]
        args = {"owner": "ann", "retries": 3, "start_date": date(2013, 2, 1)}
        text = yaml.safe_dump(
            {model: {"schedule": "@monthly", "catchup": False, "default_args": args, "tasks": tasks}}, sort_keys=False
        )
        (folder / "dag_factory" / file).write_text(text, encoding="utf-8")
    return folder


def compare_loads(folder: Path, count: int, repeats: int) -> list[str]:
    """Return the table of what all DAGs of a folder cost."""
    names = [name for name in CONTENDERS if name != "dag-factory" or _is_installed("dag-factory")]
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(repeats):
        for name in names:
            runs[name].append(run_in_fork(measure_load, name, folder))
    lines = [
        f"{count:,} DAGs of six tasks, CPU seconds, best of {repeats}:",
        "",
        "| | load | times plain | serialise | times plain | kB per DAG |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    plain = take_best(runs["plain DAG objects"])
    for name in names:
        best = take_best(runs[name])
        assert best["dags"] == count, f"{name} made {best['dags']} DAGs"
        lines.append(
            f"| {name} | {best['load']:.2f} | {best['load'] / plain['load']:.1f} | {best['serialise']:.2f} "
            f"| {best['serialise'] / plain['serialise']:.1f} | {best['kB']:.1f} |"
        )
    if "dag-factory" not in names:
        lines.append("| dag-factory | not installed | | | | |")
    return lines


def compare_starts(folders: dict[str, Path], repeats: int) -> list[str]:
    """Return the table of what the start of one task costs, by the folder of its spec."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in folders}
    for _ in range(repeats):
        for name, folder in folders.items():
            dag_file = folder / "retraining.py"
            dag_file.write_text(DAG_FILE.format(folder=str(folder)), encoding="utf-8")
            runs[name].append(run_in_fork(measure_start, "model_0000", dag_file))
    bests = {name: take_best(results)["seconds"] for name, results in runs.items()}
    imports = float(_measure_imports())
    first = next(iter(bests.values())) + imports
    return [
        f"Start of a task, CPU milliseconds, best of {repeats}; a cold start imports Airflow and retrain first:",
        "",
        "| folder | parse the DAG file | cold start | times one spec |",
        "|---|---:|---:|---:|",
        *(
            f"| {name} | {best * 1000:.0f} | {(best + imports) * 1000:.0f} | {(best + imports) / first:.2f} |"
            for name, best in bests.items()
        ),
    ]


def _measure_imports() -> float:
    """Return the CPU seconds of a new process that imports what a task needs to parse its DAG file."""
    import subprocess

    code = "import airflow.dag_processing.dagbag, retrain.dags, time; print(time.process_time())"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(3)]
    return min(float(run.stdout.splitlines()[-1]) for run in runs)


def _is_installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def compare(count: int, repeats: int) -> str:
    """Run everything and return the tables."""
    import airflow.dag_processing.dagbag
    import airflow.serialization.serialized_objects  # noqa: F401 - a fork must not import

    import retrain.dags  # noqa: F401

    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        warm_up = write_specs(root / "warm_up", 1)
        many = write_specs(root / "many", count)
        unnamed = write_specs(root / "unnamed", count, named=False)
        for contender in CONTENDERS:
            if contender != "dag-factory" or _is_installed(contender):
                measure_load(contender, warm_up)  # completes lazy imports
        folders = {
            "1 spec": write_specs(root / "one", 1),
            f"{count:,} specs, in files named after their models": many,
            f"{count:,} specs, in files of other names": unnamed,
        }
        return "\n".join([*compare_loads(many, count, repeats), "", *compare_starts(folders, max(repeats, 5))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--specs", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", type=Path, help="a page whose marked part the table replaces")
    arguments = parser.parse_args()
    logging.disable(logging.INFO)
    table = compare(arguments.specs, arguments.repeats)
    print(table)
    if arguments.write:
        write_between_marks(arguments.write, "bench_parsing", table)


if __name__ == "__main__":
    main()
