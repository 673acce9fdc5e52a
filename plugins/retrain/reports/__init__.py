"""The reports on a retrain: the scorecard page, the model card and the plots."""
