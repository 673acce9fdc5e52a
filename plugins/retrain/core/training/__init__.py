"""What a training is made of: its key, its recipe, its search and its artifact."""
