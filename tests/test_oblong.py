"""Pictures that are no squares, and squares as they were: cut, flipped, laid out, side by side, of two sizes."""

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.architecture import Batch, Pair
from ganzoo.config import DataConfig
from ganzoo.config.resolve import resolve, set_layer
from ganzoo.config.tables import ImageToImageConfig, NoiseToImageConfig
from ganzoo.data.batches import RealsFeed
from ganzoo.data.crops import Centred, RandomCrops
from ganzoo.data.domains import open_kind, with_whole_paths
from ganzoo.data.flips import WithFlips
from ganzoo.data.pictures import fitted, grid, side_by_side
from ganzoo.data.resident import fits
from ganzoo.errors import DataError, RequestError
from ganzoo.keys import derive_key
from ganzoo.tensors import DataInfo, Picture
from ganzoo.testing import RandomPictures

WIDE = Picture(channels=3, height=6, width=10)


def test_the_centre_of_the_proportions_is_cut_out():
    image = Image.fromarray(np.arange(20 * 30, dtype=np.int32).reshape(20, 30).astype(np.uint8))
    pixels = np.asarray(image)
    np.testing.assert_array_equal(fitted(image, height=20, width=30)[0], pixels)
    np.testing.assert_array_equal(fitted(image, height=20, width=20)[0], pixels[:, 5:25])  # as squares always were
    np.testing.assert_array_equal(fitted(image, height=10, width=30)[0], pixels[5:15])
    np.testing.assert_array_equal(fitted(image, height=20, width=10)[0], pixels[:, 10:20])
    stretched = fitted(image, height=7, width=4, fit="stretch", resize="box")
    np.testing.assert_array_equal(stretched[0], np.asarray(image.resize((4, 7), Image.Resampling.BOX)))
    assert fitted(Image.new("L", (1, 50)), height=4, width=400).shape == (1, 4, 400)  # a pixel is left


def squares_as_before(images, size, *, seed, batch_size, step, side):
    """Where squares were cut before there were oblong pictures, in the words of that version."""
    room = images.shape[-1] - size
    key = derive_key(seed, "crop", step, side)
    random = np.random.RandomState([key & 0xFFFFFFFF, key >> 32])
    places = random.randint(room + 1, size=(batch_size, 2))
    return torch.stack(
        [
            image[:, top : top + size, left : left + size]
            for image, (top, left) in zip(images, places.tolist(), strict=True)
        ]
    )


def shown(**sizes):
    return {name: Picture(channels=1, height=height, width=width) for name, (height, width) in sizes.items()}


@pytest.mark.parametrize("together", [True, False])
def test_random_crops_of_squares_have_the_bits_that_they_had(together):
    random = np.random.RandomState(0)
    pair = Pair(*[torch.from_numpy(random.randint(256, size=(6, 1, 12, 12)).astype(np.uint8)) for _ in "ab"])
    cut = RandomCrops(shown(source=(8, 8), target=(8, 8)), seed=3, batch_size=6, together=together)
    for step in (0, 7, 12345):
        found = cut(pair, step=step)
        for side, name in enumerate(("source", "target")):
            expected = squares_as_before(
                getattr(pair, name), 8, seed=3, batch_size=6, step=step, side=0 if together else side
            )
            assert torch.equal(getattr(found, name), expected)


def test_oblong_parts_are_cut_everywhere():
    pictures = torch.arange(10 * 14).reshape(1, 1, 10, 14).expand(6, 1, 10, 14)
    cut = RandomCrops(shown(real=(8, 11)), seed=0, batch_size=6, together=True)
    corners = {int(image[0, 0, 0]) for step in range(200) for image in cut(Batch(real=pictures), step=step).real}
    assert corners == {14 * top + left for top in range(3) for left in range(4)}
    assert cut(Batch(real=pictures), step=0).real.shape == (6, 1, 8, 11)


class Places:
    """Pairs whose pixels say where they are: the target is `scale` times as large as the source."""

    description, in_memory, lengths = "places", True, (6,)

    def __init__(self, height, width, scale):
        rows, columns = np.mgrid[:height, :width]
        self.small = torch.from_numpy((16 * rows + columns).astype(np.uint8))[None, None]
        self.large = self.small.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
        sides = zip(("source", "target"), (self.small, self.large), strict=True)
        self.info = DataInfo(
            {name: Picture(channels=1, height=side.shape[2], width=side.shape[3]) for name, side in sides}
        )

    def fetch(self, indices):
        count = len(indices[0])
        return Pair(source=self.small.expand(count, -1, -1, -1), target=self.large.expand(count, -1, -1, -1))


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("flipped", [False, True])
def test_a_place_of_the_source_is_that_place_of_the_target(scale, flipped):
    source = Places(9, 11, scale)
    sizes = shown(source=(5, 6), target=(5 * scale, 6 * scale))
    pairs = WithFlips(source) if flipped else source
    seen = set()
    with RealsFeed(pairs, [], seed=0, batch_size=6, shown=DataInfo(sizes)) as feed:
        for step in range(60):
            pair = feed.reals(step).shared
            assert torch.equal(pair.target[:, :, ::scale, ::scale], pair.source)
            assert torch.equal(pair.target, pair.source.repeat_interleave(scale, 2).repeat_interleave(scale, 3))
            seen |= {int(picture[0, 0, 0]) for picture in pair.source}
    assert len(seen) >= 5 * 6
    centre = Centred(source, DataInfo(sizes)).fetch([np.array([0])])
    assert torch.equal(centre.target[:, :, ::scale, ::scale], centre.source)
    assert int(centre.source[0, 0, 0, 0]) == 16 * 2 + 2


def test_grids_and_sides_of_any_shape():
    assert grid(np.zeros((6, 3, 6, 10), np.uint8)).size == (2 * 10, 3 * 6)
    grey, colour = np.full((2, 1, 4, 5), 9, np.uint8), np.full((2, 3, 8, 10), 7, np.uint8)
    both = side_by_side(grey, colour)
    assert both.shape == (2, 3, 8, 20) and (both[..., :10] == 9).all() and (both[..., 10:] == 7).all()
    random = np.random.RandomState(0).randint(256, size=(1, 1, 3, 2)).astype(np.uint8)
    np.testing.assert_array_equal(side_by_side(random, grey[:1, :, :3])[..., :2], random)
    enlarged = side_by_side(random, np.zeros((1, 1, 6, 1), np.uint8))[0, 0, :, :4]
    np.testing.assert_array_equal(enlarged, random[0, 0].repeat(2, 0).repeat(2, 1))


def settings(*assignments, config=NoiseToImageConfig):
    return resolve("x", config, [set_layer(assignments)])


@pytest.mark.parametrize(
    ("text", "value", "written"),
    [
        ("data.size=48x80", (48, 80), "size = [48, 80]"),
        ("data.size=[48, 80]", (48, 80), "size = [48, 80]"),
        ("data.size=64", 64, "size = 64"),
        ("data.size=64X64", 64, "size = 64"),
        ("data.size=[64, 64]", 64, "size = 64"),
        ('data.size="64"', 64, "size = 64"),
    ],
)
def test_a_size_is_a_number_or_two(text, value, written):
    resolved = settings(text)
    assert resolved.data.size == value and f"\n{written}\n" in resolved.to_toml()


@pytest.mark.parametrize(
    "text", ["3", "4097", "48x", "x48", "48x80x3", "[48]x", "[1, 2, 3]", "true", "48.0", "-8", "4x9999"]
)
def test_what_is_no_size_is_refused_with_the_range(text):
    with pytest.raises(
        RequestError, match=r"\[data\] size = .*expected whole number >= 4 and <= 4096, or HEIGHTxWIDTH"
    ):
        settings(f"data.size={text}")


def test_load_size_is_at_least_size_on_both_sides():
    assert settings("data.size=48x80", "data.load_size=60x80").data.opened().size == (60, 80)
    assert settings("data.size=48x80", "data.load_size=96").data.opened().size == 96
    for load in ("47x90", "60x79", "64"):
        with pytest.raises(RequestError, match="expected at least size, which is 48x80"):
            settings("data.size=48x80", f"data.load_size={load}")


def test_the_load_size_of_a_smaller_source_is_scaled():
    config = settings("data.size=32x48", "data.source_size=8x12", "data.load_size=40x60", config=ImageToImageConfig)
    opened = config.data.opened()
    assert (opened.size, opened.source_size, opened.load_size) == ((40, 60), (10, 15), None)
    with pytest.raises(RequestError, match="pictures of the source would be 10.25 pixels.*expected a multiple of 4"):
        settings("data.size=32", "data.source_size=8", "data.load_size=41", config=ImageToImageConfig)


def opened(registry, kind, source, target="", **options):
    config = with_whole_paths(DataConfig(source=str(source), target=str(target), **options), kind, registry)
    return open_kind(config.opened(), kind, registry, notify=lambda line: None)


@pytest.fixture
def folders(tmp_path):
    """Small grey pictures, and the same four times as large in colour; one of the latter is broken."""
    random = np.random.RandomState(0)
    for number in range(4):
        pixels = random.randint(256, size=(8, 12), dtype=np.uint8)
        for name, scale in (("small", 1), ("large", 4)):
            (tmp_path / name).mkdir(exist_ok=True)
            large = Image.fromarray(pixels).resize((12 * scale, 8 * scale), Image.Resampling.NEAREST)
            large.convert("RGB").save(tmp_path / name / f"{number}.png")
    return tmp_path / "small", tmp_path / "large"


UNEQUAL = {"size": (32, 48), "source_size": (8, 12), "source_channels": 1}


@pytest.mark.parametrize("memory_gb", [4.0, 0.0])
def test_pairs_of_unequal_size_and_channels(registry, folders, memory_gb):
    source = opened(registry, "pairs", *folders, **UNEQUAL, memory_gb=memory_gb)
    assert str(source.info) == "source 1x8x12, target 3x32x48"
    pair = source.fetch([np.array([2, 0])])
    assert pair.source.shape == (2, 1, 8, 12) and pair.target.shape == (2, 3, 32, 48)
    np.testing.assert_allclose(pair.target[:, 0, ::4, ::4].int(), pair.source[:, 0].int(), atol=1)
    swapped = opened(
        registry, "pairs", *folders, size=(8, 12), channels=1, source_size=(32, 48), source_channels=3, swap=True
    )
    other = swapped.fetch([np.array([2, 0])])
    assert torch.equal(other.source, pair.target) and torch.equal(other.target, pair.source)


def test_partners_of_another_shape_and_broken_ones_are_named_rightly(registry, folders):
    told = []
    (folders[1] / "2.png").write_bytes(b"no picture")
    given = DataConfig(source=str(folders[0]), target=str(folders[1]), unreadable=0.25, **UNEQUAL)
    config = with_whole_paths(given, "pairs", registry)
    assert open_kind(config, "pairs", registry, notify=told.append).lengths == (3,)
    assert f"{folders[1] / '2.png'}: ValueError: it is no picture" in told[0]  # the broken one, not its partner
    Image.new("RGB", (50, 50)).save(folders[1] / "2.png")
    with pytest.raises(
        DataError, match="Of 1 of 4 pairs the pictures differ in shape: 2.png is 12x8 and its partner 50x50"
    ):
        opened(registry, "pairs", *folders, **UNEQUAL)
    Image.new("RGB", (48, 32)).save(folders[1] / "2.png")
    with pytest.raises(DataError, match="differ in size.*12x8 and its partner 48x32") as caught:
        opened(registry, "pairs", *folders, size=8)
    assert "--set data.source_size=N" in caught.value.hint


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("size", [(31, 40), (40, 31), (33, 33), (20, 47)])
def test_the_middles_of_unequal_partners_show_the_same_place(registry, tmp_path, scale, size):
    """A ramp: where a picture is cut half a pixel beside its partner, its mean tells."""
    height, width = size
    for name, times in (("small", 1), ("large", scale)):
        (tmp_path / name).mkdir()
        rows, columns = (np.arange(side * times) / times for side in (height, width))
        ramp = 2 * rows[:, None] + 3 * columns + (0 if times == 1 else -2.5 * (1 - 1 / times))
        Image.fromarray(ramp.round().astype(np.uint8)).save(tmp_path / name / "a.png")
    config = {"size": 16 * scale, "source_size": 16, "channels": 1, "resize": "box"}
    pair = opened(registry, "pairs", tmp_path / "small", tmp_path / "large", **config).fetch([np.array([0])])
    small = pair.target.float().unflatten(3, (16, scale)).unflatten(2, (16, scale)).mean((3, 5))
    assert (small - pair.source.float()).mean().abs() < 0.6  # of 3 and 2 for a pixel to the side


def test_two_domains_may_differ_when_it_is_said(registry, folders):
    source = opened(registry, "domains", *folders, **UNEQUAL)
    assert str(source.info) == "source 1x8x12, target 3x32x48" and source.lengths == (4, 4)
    pair = source.fetch([np.array([1]), np.array([3])])
    assert pair.source.shape == (1, 1, 8, 12) and pair.target.shape == (1, 3, 32, 48)
    with pytest.raises(DataError, match="The source gives pictures of 3x64x64 and the target of 1x32x32"):
        opened(registry, "domains", folders[0], "digits")


def test_the_built_in_pictures_of_two_sizes(registry):
    source = opened(registry, "pairs", "digits-outline", size=32, source_size=16, channels=3, source_channels=1)
    assert str(source.info) == "source 1x16x16, target 3x32x32"
    with pytest.raises(RequestError, match="'digits-neon' is coloured"):
        opened(registry, "domains", "digits-neon", size=32, source_channels=1)
    assert opened(registry, "pictures", "digits", size=(12, 20)).fetch([np.arange(2)]).real.shape == (2, 1, 12, 20)


def test_what_fits_a_gpu_counts_both_sides():
    info = DataInfo(
        {"source": Picture(channels=1, height=8, width=8), "target": Picture(channels=3, height=32, width=32)}
    )
    pixels = 64 + 3 * 32 * 32
    for wants, count in (("pairs", 10), ("domains", 10)):
        source = RandomPictures(info, wants=wants, count=count)
        assert fits(source, (count * pixels + 1) / 2**30) and not fits(source, (count * pixels - 1) / 2**30)
    flat = RandomPictures(DataInfo({"real": WIDE}), count=5)
    assert fits(flat, 5 * 180 / 2**30) and not fits(flat, 899 / 2**30)
