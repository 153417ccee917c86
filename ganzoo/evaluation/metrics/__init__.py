"""The metrics that ganzoo brings. Those that torch-fidelity or piq has are computed by it."""
