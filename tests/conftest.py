import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # toy_zoo and helpers are imported by name


@pytest.fixture(scope="session")
def registry():
    from ganzoo.plugin.registry import Registry

    return Registry.load()
