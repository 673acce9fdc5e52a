"""One third-party system per file: DuckDB, Great Expectations, scikit-learn, MLflow, Optuna, SQLAlchemy."""
