"""What the pipelines of this project use: data, queries, expectations, training code."""
