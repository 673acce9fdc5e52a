from datetime import UTC, datetime

import pandas as pd
from acme_retrain.validators import BoundsValidator

from retrain.ports import Window
from retrain.testing import ValidationCase, check_validator

WINDOW = Window(
    as_of=datetime(2024, 3, 1, tzinfo=UTC),
    train_start=datetime(2024, 1, 1, tzinfo=UTC),
    train_end=datetime(2024, 1, 31, tzinfo=UTC),
    holdout_start=datetime(2024, 2, 1, tzinfo=UTC),
    end=datetime(2024, 3, 1, tzinfo=UTC),
)


def test_it_keeps_the_promises_of_a_validator():
    good = pd.DataFrame({"at": pd.date_range("2024-01-01", periods=50, freq="D"), "age": range(50)})
    suite = {"name": "people", "bounds": {"age": [0, 120]}}
    check_validator(BoundsValidator(), ValidationCase(suite, good, good.assign(age=-1), "at", WINDOW))
