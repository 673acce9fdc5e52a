"""What Acme adds to retrain."""
