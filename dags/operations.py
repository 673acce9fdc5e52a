"""The DAGs of the people on call, for airflow to find by the words airflow and dag."""

from pathlib import Path

from retrain.dags import build_operations

# alarm= takes Airflow notifiers, such as those of its Slack or SMTP provider: they hear of what the reconciler finds.
build_operations(Path(__file__).parent.parent / "include" / "pipelines", alarm=[])
