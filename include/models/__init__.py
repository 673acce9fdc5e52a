"""Training code: one module per model, each with a function `build_estimator`."""
