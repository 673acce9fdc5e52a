"""What people read of a retrain: the scorecard page, the model card and the plots."""
