"""AdaIN and fast style transfer for ganzoo."""
