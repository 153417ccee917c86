"""No connection that nobody asked for: what dependencies would open by themselves is off before their import."""

from __future__ import annotations

import os

SWITCHES = {"ORT_DISABLE_TELEMETRY": "1"}
"""Environment variables. ONNX Runtime reads its own once, when it is imported; nothing stops it afterwards."""


def switch_off_telemetry() -> None:
    """For this process and those that it starts; what the user has set stays."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
