"""Data for translation: pairs, two domains, the same view of both sides, and what does not fit."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.architecture import Batch, Pair
from ganzoo.config import DataConfig
from ganzoo.config.resolve import RunConfig
from ganzoo.config.schedule import Schedule
from ganzoo.config.tables import ImageToImageConfig
from ganzoo.config.train_table import TrainConfig
from ganzoo.data.batches import Order, Prefetcher
from ganzoo.data.crops import Centred, RandomCrops
from ganzoo.data.digit_tasks import held_out_pictures, training_pictures
from ganzoo.data.domains import kind_of, open_kind, with_whole_paths
from ganzoo.errors import DataError, RequestError
from ganzoo.tensors import DataInfo, Picture
from ganzoo.testing import RandomPictures


def picture(path, value, size=(12, 12)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, value, value)).save(path)


@pytest.fixture
def folders(tmp_path):
    for number in range(5):
        picture(tmp_path / "a" / f"{number}.png", number)
        picture(tmp_path / "b" / "sub" / ".." / f"{number}.bmp", 100 + number)
    return tmp_path / "a", tmp_path / "b"


def opened(registry, kind, source, target="", told=None, **options):
    config = with_whole_paths(
        DataConfig(source=str(source), target=str(target), **{"size": 8, **options}), kind, registry
    )
    return open_kind(config, kind, registry, notify=(told if told is not None else []).append)


@pytest.mark.parametrize("memory_gb", [4.0, 0.0])
def test_pairs_in_two_folders_are_matched_by_name_whatever_the_suffix(registry, folders, memory_gb):
    source = opened(registry, "pairs", *folders, memory_gb=memory_gb)
    assert source.lengths == (5,) and source.in_memory == (memory_gb > 0) and kind_of(source) == "pairs"
    pair = source.fetch([np.array([3, 0])])
    assert pair.source[:, 0, 0, 0].tolist() == [3, 0]
    assert pair.target[:, 0, 0, 0].tolist() == [103, 100]


def test_pairs_side_by_side(registry, tmp_path):
    for number in range(3):
        both = Image.new("RGB", (20, 10), (number, 0, 0))
        both.paste((0, 50 + number, 0), (10, 0, 20, 10))
        (tmp_path / "p").mkdir(exist_ok=True)
        both.save(tmp_path / "p" / f"{number}.png")
    pair = opened(registry, "pairs", tmp_path / "p").fetch([np.array([2])])
    assert pair.source[0, :, 4, 4].tolist() == [2, 0, 0] and pair.target[0, :, 4, 4].tolist() == [0, 52, 0]
    swapped = opened(registry, "pairs", tmp_path / "p", swap=True).fetch([np.array([2])])
    assert torch.equal(swapped.source, pair.target) and torch.equal(swapped.target, pair.source)
    picture(tmp_path / "p" / "odd.png", 1, size=(21, 10))
    told = []
    assert opened(registry, "pairs", tmp_path / "p", told=told, unreadable=0.25).lengths == (3,)
    assert "(odd.png: ValueError: it is 21x10, and two pictures side by side have an even width)" in told[0]


def test_missing_partners_are_named_with_both_counts(registry, folders):
    picture(folders[0] / "only.png", 1)
    (folders[1] / "4.bmp").unlink()
    with pytest.raises(DataError) as caught:
        opened(registry, "pairs", *folders)
    message = str(caught.value)
    assert f"2 of 6 in {folders[0]} have no partner: 4; only" in message
    assert "(`ganzoo list`)" in message and "--unpaired" in message


def test_pairs_of_different_sizes_are_named(registry, folders):
    picture(folders[1] / "2.bmp", 1, size=(24, 12))
    with pytest.raises(
        DataError, match=r"Of 1 of 5 pairs the pictures differ in size: 2.png is 12x12 and its partner 24x12"
    ):
        opened(registry, "pairs", *folders)


def test_two_files_of_one_name_are_ambiguous(registry, folders):
    picture(folders[1] / "2.png", 1)
    with pytest.raises(DataError, match=r"2\.bmp and 2\.png, and it is not clear which is the partner"):
        opened(registry, "pairs", *folders)


def test_two_folders_that_do_not_correspond(registry, folders):
    (folders[1] / "4.bmp").unlink()
    source = opened(registry, "domains", *folders)
    assert source.lengths == (5, 4) and kind_of(source) == "domains"
    pair = source.fetch([np.array([4, 1]), np.array([0, 3])])
    assert pair.source[:, 0, 0, 0].tolist() == [4, 1] and pair.target[:, 0, 0, 0].tolist() == [100, 103]
    swapped = opened(registry, "domains", *folders, swap=True)
    assert swapped.lengths == (4, 5)
    assert swapped.fetch([np.array([3]), np.array([0])]).source[0, 0, 0, 0] == 103


def test_pairs_may_be_learnt_from_without_their_pairing(registry):
    source = opened(registry, "domains", "digits-outline", size=16)
    assert source.lengths == (1500, 1500)
    paired = opened(registry, "pairs", "digits-outline", size=16)
    mixed = source.fetch([np.array([7]), np.array([3])])
    assert torch.equal(mixed.source, paired.fetch([np.array([7])]).source)
    assert torch.equal(mixed.target, paired.fetch([np.array([3])]).target)


@pytest.mark.parametrize(
    ("kind", "source", "target", "message"),
    [
        (
            "domains",
            "digits",
            "",
            "'digits' gives pictures of one domain, and this architecture learns from two domains",
        ),
        ("pairs", "digits-neon", "", "gives two domains whose pictures do not correspond.*learns from pairs"),
        ("pairs", "digits", "", "gives pictures of one domain.*learns from pairs of pictures"),
        ("pictures", "digits-neon", "", "gives two domains.*learns from pictures of one domain"),
        ("pictures", "digits", "digits", "--target 'digits' is for translation between two domains"),
        ("pairs", "digits", "digits", "Pairs are matched by file name, so source and target are folders"),
        (
            "domains",
            "digits-neon",
            "digits",
            "'digits-neon' gives two domains .* by itself",
        ),
        ("domains", "digits", "nope", "There is no data source 'nope'"),
    ],
)
def test_data_of_another_kind_is_refused_in_words(registry, kind, source, target, message):
    with pytest.raises(RequestError, match=message):
        opened(registry, kind, source, target)


def test_domains_of_different_shapes(registry, folders):
    with pytest.raises(DataError, match="The source gives pictures of 3x8x8 and the target of 1x8x8"):
        opened(registry, "domains", folders[0], "digits")
    assert opened(registry, "domains", folders[0], "digits", channels=1).lengths == (5, 1500)


def test_the_digit_tasks_are_what_they_say():
    neon = training_pictures("neon", size=16)
    assert neon.source.shape == neon.target.shape == (750, 3, 16, 16)
    assert neon.source.mean() > 150 and neon.target.mean() < 110  # dark on light, light on dark
    as_rows = {row.tobytes() for row in 255 - neon.source[:, 0]}
    assert len(as_rows) > 740  # different digits, hardly one twice
    fresh = held_out_pictures("outline", size=32)
    assert fresh.source.shape == (297, 1, 32, 32) and (fresh.source_labels == fresh.target_labels).all()
    outline, digit = fresh.source[:, 0] == 0, fresh.target[:, 0] >= 96
    assert (digit[outline]).all()  # an outline lies on its stroke
    assert 0.2 < outline.sum() / digit.sum() < 0.9


def shown(size, domains=("real", "source", "target")):
    return {domain: Picture(channels=1, height=size, width=size) for domain in domains}


def crops(together=True, size=8, pictures=None, **changes):
    return RandomCrops(pictures or shown(size), **{"seed": 3, "batch_size": 6, "together": together, **changes})


def numbered(count=6, size=12):
    """Pictures whose pixels say where they are."""
    return torch.arange(size * size).reshape(1, 1, size, size).expand(count, 1, size, size).contiguous()


def test_both_sides_of_a_pair_are_cut_at_one_place_and_unpaired_sides_are_not():
    pair = Pair(source=numbered(), target=numbered())
    cut = crops()(pair, step=0)
    assert cut.source.shape == (6, 1, 8, 8) and torch.equal(cut.source, cut.target)
    assert len({int(image[0, 0, 0]) for image in cut.source}) > 2  # a place for each row
    apart = crops(together=False)(pair, step=0)
    assert not torch.equal(apart.source, apart.target)


def test_where_is_cut_depends_on_seed_step_and_row_alone():
    pair, rows = Pair(source=numbered(), target=numbered()), np.array([1, 4])
    whole = crops()(pair, step=5)
    mine = crops()(Pair(source=numbered(2), target=numbered(2)), step=5, rows=rows)
    assert torch.equal(whole.source[rows], mine.source)
    assert torch.equal(whole.source, crops()(pair, step=5).source)
    assert not torch.equal(whole.source, crops()(pair, step=6).source)
    assert not torch.equal(whole.source, crops(seed=4)(pair, step=5).source)


def test_labels_are_left_alone_and_every_place_is_cut():
    batch = Batch(real=numbered(), label=torch.arange(6))
    assert torch.equal(crops()(batch, step=0).label, batch.label)
    corners = {int(image[0, 0, 0]) for step in range(200) for image in crops()(batch, step=step).real}
    assert corners == {12 * top + left for top in range(5) for left in range(5)}
    assert crops(size=12)(batch, step=0).real is batch.real


def test_the_prefetcher_cuts_and_the_centre_is_what_is_scored():
    source = RandomPictures(DataInfo(channels=1, size=12), task="image-to-image", count=7, paired=True)
    order = Order(seed=0, batch_size=6, lengths=source.lengths)
    cut = crops()
    with Prefetcher(source, order, arrange=lambda indices, step: cut(source.fetch(indices), step=step)) as prefetcher:
        assert prefetcher.batch(3).source.shape == (6, 1, 8, 8)
    centred = Centred(source, DataInfo(shown(8, ("source", "target"))))
    assert centred.info.size == 8
    indices = [np.array([2])]
    assert torch.equal(centred.fetch(indices).target, source.fetch(indices).target[:, :, 2:10, 2:10])


def test_load_size_is_checked():
    with pytest.raises(ValueError, match="load_size = 8: expected at least size, which is 16"):
        DataConfig(size=16, load_size=8)
    with pytest.raises(ValueError, match="load_size = 8: expected at least size, which is not stated"):
        DataConfig(load_size=8)


def test_epochs_become_kimg_when_the_pictures_are_counted():
    config = RunConfig(
        architecture=ImageToImageConfig(lr=Schedule(start=2.0, end=0.0, from_epochs=100, to_epochs=200)),
        train=TrainConfig(epochs=200.0),
        data=DataConfig(),
        origins={("train", "epochs"): "--epochs"},
    )
    resolved = config.in_kimg(500)
    assert (resolved.train.epochs, resolved.train.kimg) == (None, 100.0)
    assert resolved.origins["train", "kimg"] == "--epochs"
    lr = resolved.architecture.lr
    assert [lr(kimg) for kimg in (0, 50, 75, 100, 200)] == [2.0, 2.0, 1.0, 0.0, 0.0]
    assert resolved.in_kimg(9) == resolved  # what is in kimg stays as it is
    with pytest.raises(ValueError, match="a schedule in epochs has no value before"):
        config.architecture.lr(0.0)


@pytest.mark.parametrize(
    "ends", [{}, {"to_kimg": 1.0, "to_epochs": 1.0}, {"from_epochs": 1.0}, {"to_epochs": 1.0, "from_epochs": 2.0}]
)
def test_a_schedule_has_its_end_in_one_unit(ends):
    with pytest.raises(ValueError, match="a schedule"):
        Schedule(start=1.0, end=0.0, **ends)


def test_a_schedule_in_epochs_survives_toml():
    import tomllib

    config = RunConfig(
        architecture=ImageToImageConfig(lr=Schedule(start=2.0, end=0.0, to_epochs=4)),
        train=TrainConfig(), data=DataConfig(), origins={},
    )  # fmt: skip
    written = tomllib.loads(dataclasses.replace(config).to_toml())
    assert written["architecture"]["lr"] == {"start": 2.0, "end": 0.0, "to_epochs": 4, "shape": "linear"}


def test_only_what_is_open_may_be_cut_and_names_alone_are_no_folders(registry):
    for name in ("pairs", "folder"):
        with pytest.raises(
            RequestError, match=f"'{name}' wants a folder: {name}:PATH.\nFor a folder of that name: ./{name}"
        ):
            opened(registry, "pairs", name)
    with pytest.raises(RequestError, match="data.swap exchanges source and target"):
        opened(registry, "pictures", "digits", swap=True)


def test_evenly_spaced_counts_the_side_that_is_asked_for():
    from ganzoo.data.domains import TwoDomains
    from ganzoo.evaluation.thumbnails import evenly_spaced

    info = DataInfo(channels=1, size=8)
    source = TwoDomains(RandomPictures(info, count=3), RandomPictures(info, count=50))
    for of, count in (("source", 3), ("target", 20)):
        batches = [*evenly_spaced(source, 20, of=of, chunk=8)]
        assert sum(len(batch) for batch in batches) == count
        assert max(len(batch) for batch in batches) <= 8
