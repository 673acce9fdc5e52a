"""One third-party system a file: DuckDB, Great Expectations, scikit-learn, MLflow, SQLAlchemy, Matplotlib."""
