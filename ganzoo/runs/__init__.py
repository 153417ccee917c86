"""A run's directory: config, record, checkpoints. It is read without torch; tensors are met in `weights`."""
