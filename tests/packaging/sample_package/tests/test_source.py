from datetime import UTC, datetime

import pandas as pd
from acme_retrain.sources import JsonLinesSource

from retrain.spec import parse_spec
from retrain.testing import check_snapshot_source

SPEC = parse_spec("""
model: churn
start_date: 2024-01-01
data:
  source: rows/*.jsonl
  reader: json_lines
  event_time: at
  label: churned
  window: {train: 90d, holdout: 28d}
validation: {suite: suite.json}
train: {estimator: models:build_estimator}
evaluation: {task: classification, primary: roc_auc, metrics: [roc_auc]}
gate: [{check: threshold, metric: roc_auc, min: 0.6}]
""")


def test_it_keeps_the_promises_of_a_source(tmp_path):
    (tmp_path / "rows").mkdir()
    rows = pd.DataFrame({"at": pd.date_range("2024-01-01", periods=60, freq="D"), "churned": [0, 1] * 30})
    rows.to_json(tmp_path / "rows" / "all.jsonl", orient="records", lines=True, date_format="iso")
    spec = SPEC.rooted_at(tmp_path)
    check_snapshot_source(JsonLinesSource(), spec, datetime(2024, 1, 5, tzinfo=UTC), datetime(2024, 2, 5, tzinfo=UTC))
