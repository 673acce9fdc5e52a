"""Statistics, one method per module: metrics, intervals, drift, fairness and calibration."""
