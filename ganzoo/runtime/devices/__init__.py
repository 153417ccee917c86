"""Devices: which there are, which were meant, what they do while something runs on them."""
