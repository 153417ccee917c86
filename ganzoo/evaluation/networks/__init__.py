"""The feature networks that ganzoo brings or knows how to load."""
