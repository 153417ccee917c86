"""The core's own data sources, named by `ganzoo.plugin.kinds`."""

from __future__ import annotations

from ganzoo.plugin.specs import DataSourceSpec


def data_sources() -> list[DataSourceSpec]:
    return [
        DataSourceSpec(
            name="digits",
            summary="1,797 real handwritten digits, built in: 1,500 to train on (digits:N for fewer), 297 held out",
            implementation="ganzoo.data.digits:open_digits",
        ),
        DataSourceSpec(
            name="folder",
            summary="a folder, zip, tar or prepared file of pictures of any size and mode; a path alone means this",
            implementation="ganzoo.data.folder:open_folder",
        ),
        DataSourceSpec(
            name="wds",
            summary="WebDataset shards, wds:shards-{000..099}.tar, streamed",
            implementation="ganzoo.data.shards:open_shards",
        ),
        DataSourceSpec(
            name="hf",
            summary="a Hugging Face dataset on disk, hf:PATH (extra: hf)",
            implementation="ganzoo.data.huggingface:open_dataset",
        ),
        DataSourceSpec(
            name="pairs",
            summary="pairs for translation: two folders with equal names, or pictures side by side in one",
            implementation="ganzoo.data.pairs:open_pairs",
        ),
        DataSourceSpec(
            name="digits-neon",
            summary="unpaired: the digits as ink on paper, and other digits as light on a coloured ground",
            implementation="ganzoo.data.digit_tasks:open_neon",
        ),
        DataSourceSpec(
            name="digits-outline",
            summary="paired: the outlines of the digits, and the digits",
            implementation="ganzoo.data.digit_tasks:open_outline",
        ),
    ]
