import numpy as np
import pandas as pd
from acme_retrain.trainers import RidgeTrainer

from retrain.spec import parse_spec
from retrain.testing import check_trainer

SPEC = parse_spec("""
model: churn
start_date: 2024-01-01
data:
  source: rows/*.parquet
  event_time: at
  label: churned
  window: {train: 90d, holdout: 28d}
validation: {suite: suite.json}
train: {estimator: acme_retrain.ridge:build_ridge, params: {alpha: 2.0}}
evaluation: {task: classification, primary: roc_auc, metrics: [roc_auc]}
gate: [{check: threshold, metric: roc_auc, min: 0.6}]
""")


def test_it_keeps_the_promises_of_a_trainer():
    random = np.random.default_rng(7)
    features = pd.DataFrame({"sessions": random.normal(size=200), "tickets": random.normal(size=200)})
    label = (features["sessions"] + random.normal(size=200) > 0).astype(int)
    check_trainer(RidgeTrainer(), SPEC, features, label)
