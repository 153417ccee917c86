"""The core's own data sources, announced through the hook that everybody uses."""

from __future__ import annotations

from ganzoo.hookspecs import hookimpl
from ganzoo.specs import DataSourceSpec

GANZOO_API = 1


@hookimpl
def ganzoo_data_sources() -> list[DataSourceSpec]:
    return [
        DataSourceSpec(
            name="digits",
            summary="1,797 real handwritten digits, built in: 1,500 to train on, 297 held out",
            implementation="ganzoo.data.digits:open_digits",
        ),
        DataSourceSpec(
            name="folder",
            summary="a folder of pictures of any size and mode; a path alone means this",
            implementation="ganzoo.data.folder:open_folder",
        ),
    ]
