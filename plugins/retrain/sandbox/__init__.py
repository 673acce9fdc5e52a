"""PostgreSQL, MLflow and Airflow as processes on this machine, for the demo, the tests and the benchmarks."""
