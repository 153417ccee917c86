"""Plugins: what they announce, how they are found, and the one place where their code is called. No torch."""
