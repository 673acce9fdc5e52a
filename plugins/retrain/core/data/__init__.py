"""Time and rows: windows, schedules, snapshots, validation reports and folds."""
