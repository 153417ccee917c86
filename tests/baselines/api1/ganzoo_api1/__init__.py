"""A plugin as they were written against API 1: under every name that it offered. It must go on working as it stands."""
