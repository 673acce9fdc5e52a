"""The statistics, one method a module: metrics, intervals, drift, fairness and calibration."""
