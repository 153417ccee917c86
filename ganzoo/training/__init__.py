"""The trainer: it knows phases and nothing else."""
