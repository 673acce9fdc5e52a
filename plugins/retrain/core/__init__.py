"""What a retrain is, without any framework: spec, window, key, scorecard, gates, decision, ledger, and the ports."""
