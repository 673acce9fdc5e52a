"""From evidence to one decision: gates, error control and backtests."""
