"""Time and rows: durations, windows, schedules, snapshots, validation reports and folds."""
