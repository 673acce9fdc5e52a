"""Rows out of files of JSON lines."""

import pandas as pd

from retrain.errors import DataError


class JsonLinesSource:
    """Reads the files that `data.source` matches, below the project."""

    def read(self, spec, start, end):
        """Return the rows with an event time in [start, end)."""
        files = sorted(spec.root.glob(str(spec.data.source)))
        if not files:
            raise DataError("data.source must match files", got="none", fix="Check the glob.")
        try:
            rows = pd.concat([pd.read_json(file, lines=True) for file in files], ignore_index=True)
            times = pd.to_datetime(rows[spec.data.event_time], utc=True).dt.tz_localize(None)
        except (OSError, ValueError, KeyError) as error:
            raise DataError(
                "data.source must be files of JSON lines with the event time",
                got=type(error).__name__,  # the text could hold row values
                fix="Check the files.",
            ) from None
        rows[spec.data.event_time] = times
        low, high = (instant.replace(tzinfo=None) for instant in (start, end))
        return rows[(times >= low) & (times < high)]
