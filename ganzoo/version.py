"""Versions: of the distribution, and of the contract that plugins are written against."""

__version__ = "0.1.0"

API_VERSION = 2
"""The newest plugin contract this core understands. A plugin states its own as `GANZOO_API`."""

OLDEST_API_VERSION = 1
"""The oldest plugin contract this core still runs."""
