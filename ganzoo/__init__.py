"""ganzoo: a plugin-based GAN zoo.

Only names that cost nothing to import live here; torch arrives with `ganzoo.architecture`,
when an architecture is built and not before.
"""

from typing import TYPE_CHECKING

from ganzoo.plugin.specs import ArchitectureSpec, DataSourceSpec, LoggerSpec, Preset
from ganzoo.tensors import DataInfo, Dim, TensorSpec
from ganzoo.version import API_VERSION, __version__

if TYPE_CHECKING:
    from ganzoo.plugin.hooks import hookimpl

__all__ = [
    "API_VERSION",
    "ArchitectureSpec",
    "DataInfo",
    "DataSourceSpec",
    "Dim",
    "LoggerSpec",
    "Preset",
    "TensorSpec",
    "__version__",
    "hookimpl",
]


def __getattr__(name: str) -> object:
    if name == "hookimpl":  # pluggy costs 17 ms, and `ganzoo --help` has no use for it
        from ganzoo.plugin.hooks import hookimpl

        return hookimpl
    raise AttributeError(f"module 'ganzoo' has no attribute {name!r}")
