"""What happens beside the tasks, in the scheduler, when a run changes its state."""
