"""Training code: one module a model, each with a `build_estimator`."""
