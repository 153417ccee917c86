"""DCGAN for ganzoo (arXiv:1511.06434)."""
