"""What was measured on the holdout: per-row scores, the scorecard and how predictions changed."""
