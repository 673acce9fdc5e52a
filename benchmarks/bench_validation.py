"""Twelve expectations on many rows: one DuckDB query, `GxValidator`, and Great Expectations on pandas, side by side.

    python benchmarks/bench_validation.py --rows 10000000

Each contender runs in its own process, after a warm-up call on a single file that completes lazy imports. Seconds are the best of
the repeats; memory is the process's peak above its memory before the first repeat (Linux).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from page import write_between_marks

ROOT = Path(__file__).resolve().parents[1]
EVENT_TIME = "scheduled_departure"
START, HOLDOUT, END = (
    datetime(2013, 1, 1, tzinfo=UTC),
    datetime(2013, 12, 1, tzinfo=UTC),
    datetime(2014, 1, 1, tzinfo=UTC),
)

SUITE = {
    "name": "raw_flights",
    "expectations": [
        {"type": f"expect_{kind}", "kwargs": kwargs}
        for kind, kwargs in [
            ("table_row_count_to_be_between", {"min_value": 1000}),
            ("column_values_to_not_be_null", {"column": "scheduled_departure"}),
            ("column_values_to_not_be_null", {"column": "carrier"}),
            ("column_values_to_not_be_null", {"column": "origin"}),
            ("column_values_to_not_be_null", {"column": "dest"}),
            ("column_values_to_not_be_null", {"column": "arr_delay", "mostly": 0.9}),
            ("column_values_to_be_in_set", {"column": "origin", "value_set": ["EWR", "JFK", "LGA"]}),
            ("column_values_to_be_between", {"column": "hour", "min_value": 0, "max_value": 23}),
            ("column_values_to_be_between", {"column": "distance", "min_value": 1, "max_value": 6000}),
            ("column_values_to_be_between", {"column": "arr_delay", "min_value": -180, "max_value": 2880}),
            ("column_values_to_be_between", {"column": "air_time", "min_value": 1, "max_value": 900, "mostly": 0.99}),
            ("column_mean_to_be_between", {"column": "arr_delay", "min_value": -30, "max_value": 60}),
        ]
    ],
    "meta": {},
}

AGGREGATES = """
    count(*) >= 1000,
    count(scheduled_departure) = count(*),
    count(carrier) = count(*),
    count(origin) = count(*),
    count(dest) = count(*),
    count(arr_delay) >= 0.9 * count(*),
    count(*) FILTER (origin NOT IN ('EWR', 'JFK', 'LGA')) = 0,
    count(*) FILTER (hour NOT BETWEEN 0 AND 23) = 0,
    count(*) FILTER (distance NOT BETWEEN 1 AND 6000) = 0,
    count(*) FILTER (arr_delay NOT BETWEEN -180 AND 2880) = 0,
    count(*) FILTER (air_time NOT BETWEEN 1 AND 900) <= 0.01 * count(air_time),
    avg(arr_delay) BETWEEN -30 AND 60
"""

Check = Callable[[list[Path]], bool]


def one_query() -> Check:
    import duckdb

    connection = duckdb.connect()
    query = f"SELECT {AGGREGATES} FROM read_parquet($files) WHERE {EVENT_TIME} >= $start AND {EVENT_TIME} < $end"

    def check(files: list[Path]) -> bool:
        bounds = {"start": START.replace(tzinfo=None), "end": END.replace(tzinfo=None)}
        (row,) = connection.execute(query, {"files": [str(file) for file in files], **bounds}).fetchall()
        return all(row)

    return check


def gx_validator() -> Check:
    sys.path.insert(0, str(ROOT / "plugins"))
    from retrain.adapters.gx_validator import GxValidator
    from retrain.core.data.window import Window

    window = Window(as_of=END, train_start=START, train_end=HOLDOUT, holdout_start=HOLDOUT, end=END)
    return lambda files: GxValidator().validate(files, SUITE, event_time=EVENT_TIME, window=window).success


def gx_on_pandas() -> Check:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    import pandas as pd

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("flights")
    definition = asset.add_batch_definition_whole_dataframe("all")

    def check(files: list[Path]) -> bool:
        frame = pd.concat(map(pd.read_parquet, files), ignore_index=True)
        times = frame[EVENT_TIME]
        frame = frame[(times >= START.replace(tzinfo=None)) & (times < END.replace(tzinfo=None))]
        return bool(definition.get_batch({"dataframe": frame}).validate(gx.ExpectationSuite(**SUITE)).success)

    return check


CONTENDERS: dict[str, Callable[[], Check]] = {
    "one DuckDB query": one_query,
    "GxValidator": gx_validator,
    "GX on pandas": gx_on_pandas,
}


def measure(name: str, folder: Path, repeats: int) -> dict[str, Any]:
    """Run one contender in this process."""
    files = sorted(folder.glob("*.parquet"))
    check = CONTENDERS[name]()
    check(files[:1])
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # reset the peak memory
    before, seconds = _memory("VmRSS"), []
    for _ in range(repeats):
        begin = time.perf_counter()
        assert check(files), f"{name}: the expectations must be met"
        seconds.append(time.perf_counter() - begin)
    return {"seconds": seconds, "megabytes": _memory("VmHWM") - before}


def _memory(field: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii").split(f"{field}:")[1]
    return int(status.split()[0]) / 1024


def make_rows(folder: Path, rows: int) -> tuple[int, int]:
    """Copy the sample until there are enough rows; return the numbers of rows and files."""
    sample = sorted((ROOT / "include/data/flights").glob("*.parquet"))
    size = sum(pq.read_metadata(path).num_rows for path in sample)
    copies = math.ceil(rows / size)
    for path in sample:
        for copy in range(copies):
            shutil.copy(path, folder / f"{path.stem}-{copy:03}.parquet")
    return copies * size, copies * len(sample)


def compare(rows: int, repeats: int) -> str:
    """Run all contenders and return the table."""
    with tempfile.TemporaryDirectory() as name:
        made, files = make_rows(Path(name), rows)
        lines = [
            f"{made:,} rows in {files} Parquet files, {len(SUITE['expectations'])} expectations, best of {repeats}:",
            "",
            "| | seconds | times the query | MB above its imports |",
            "|---|---:|---:|---:|",
        ]
        fastest = 0.0
        for contender in CONTENDERS:
            command = [sys.executable, __file__, "--only", contender, "--folder", name, "--repeats", str(repeats)]
            result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            seconds = min(result["seconds"])
            fastest = fastest or seconds
            lines.append(f"| {contender} | {seconds:.2f} | {seconds / fastest:.1f} | {result['megabytes']:.0f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=CONTENDERS, help="run one contender on --folder and print JSON")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--write", type=Path, help="a page whose marked part the table replaces")
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(measure(arguments.only, arguments.folder, arguments.repeats)))
        return
    table = compare(arguments.rows, arguments.repeats)
    print(table)
    if arguments.write:
        write_between_marks(arguments.write, "bench_validation", table)


if __name__ == "__main__":
    main()
