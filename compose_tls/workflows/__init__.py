"""One module per command: the order of its steps, and nothing else."""
