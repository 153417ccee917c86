"""Pictures of every kind, folders of every kind, and the order they are shown in."""

import numpy as np
import pytest
from PIL import Image

from ganzoo.config import DataConfig
from ganzoo.data.batches import Order, Prefetcher
from ganzoo.data.checked import open_source
from ganzoo.data.digits import TRAIN_COUNT, enlarge, load_digits
from ganzoo.data.folder import FolderSource
from ganzoo.data.pictures import grid, read_picture, to_uint8
from ganzoo.errors import DataError, RequestError
from ganzoo.tensors import DataInfo, Picture

RED = (200, 30, 10)


def read(path, **options):
    channels = options.pop("channels", 3)
    return read_picture(path, Picture(channels=channels, height=8, width=8), **options)


def colour(pixels):
    return tuple(int(channel.mean()) for channel in pixels)


def test_every_mode_becomes_eight_bit_rgb(tmp_path):
    plain = Image.new("RGB", (20, 10), RED)
    cases = {
        "rgb.png": (plain, RED),
        "cmyk.tif": (plain.convert("CMYK"), RED),
        "palette.png": (plain.quantize(4), RED),
        "grey.png": (Image.new("L", (9, 9), 77), (77,) * 3),
        "bit.png": (Image.new("1", (9, 9), 1), (255,) * 3),
        "sixteen.png": (Image.fromarray(np.full((9, 9), 257 * 100, dtype=np.uint16)), (100,) * 3),
        "float.tif": (Image.fromarray(np.full((9, 9), 0.5, dtype=np.float32)), (128,) * 3),
        "clear.png": (Image.new("RGBA", (9, 9), (0, 0, 0, 0)), (255,) * 3),
        "half.png": (Image.new("RGBA", (9, 9), (0, 0, 0, 51)), (204,) * 3),
        "greyalpha.png": (Image.new("LA", (9, 9), (10, 255)), (10,) * 3),
    }
    for name, (image, expected) in cases.items():
        image.save(tmp_path / name)
        pixels = read(tmp_path / name)
        assert pixels.shape == (3, 8, 8) and pixels.dtype == np.uint8, name
        assert colour(pixels) == pytest.approx(expected, abs=1), name
        assert read(tmp_path / name, channels=1).shape == (1, 8, 8), name


def test_a_palette_with_a_transparent_colour_is_laid_on_white(tmp_path):
    image = Image.new("P", (9, 9), 1)
    image.putpalette([0, 0, 0, *RED])
    image.save(tmp_path / "p.png", transparency=1)
    assert colour(read(tmp_path / "p.png")) == (255, 255, 255)


def test_exif_rotation_is_applied(tmp_path):
    image = Image.new("L", (16, 16), 0)
    image.paste(255, (0, 0, 16, 8))  # the top is white
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 270 degrees to see it upright
    image.save(tmp_path / "turned.jpg", exif=exif)
    pixels = read(tmp_path / "turned.jpg", channels=1)[0]
    assert pixels[:, -1].mean() > 200 > 50 > pixels[:, 0].mean()


def test_crop_takes_the_centre_and_stretch_the_whole(tmp_path):
    image = Image.new("L", (30, 10), 0)
    image.paste(255, (10, 0, 20, 10))
    image.save(tmp_path / "wide.png")
    assert read(tmp_path / "wide.png", channels=1).min() == 255
    assert read(tmp_path / "wide.png", channels=1, fit="stretch").min() == 0


def test_the_filter_is_pillows_own_antialiased_one(tmp_path):
    image = Image.fromarray(np.random.RandomState(0).randint(256, size=(64, 64)).astype(np.uint8))
    image.save(tmp_path / "noise.png")
    for name, filter in (("lanczos", Image.Resampling.LANCZOS), ("box", Image.Resampling.BOX)):
        expected = np.asarray(image.resize((8, 8), filter))
        np.testing.assert_array_equal(read(tmp_path / "noise.png", channels=1, resize=name)[0], expected)


def test_pixels_and_grids():
    images = np.linspace(-1.2, 1.2, 3 * 1 * 2 * 2).reshape(3, 1, 2, 2).astype(np.float32)
    pixels = to_uint8(images)
    assert pixels.min() == 0 and pixels.max() == 255
    assert to_uint8(np.array([-1.0, 0.0, 1.0])).tolist() == [0, 128, 255]
    picture = grid(pixels)
    assert picture.size == (4, 4) and picture.mode == "L"
    np.testing.assert_array_equal(np.asarray(picture)[:2, 2:], pixels[1, 0])
    with pytest.raises(ValueError, match="1 or 3 channels, not 2"):
        grid(np.zeros((1, 2, 4, 4), dtype=np.uint8))


@pytest.fixture
def folder(tmp_path):
    for number in range(6):
        below = tmp_path / "pictures" / f"sub{number % 2}"
        below.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (12, 12), (number, 0, 0)).save(below / f"{number}.png")
    (tmp_path / "pictures" / "notes.txt").write_text("hello")
    (tmp_path / "pictures" / ".hidden.png").write_text("hello")
    return tmp_path / "pictures"


def source_of(folder, told=None, **options):
    return FolderSource(folder, DataConfig(size=8, **options), notify=(told if told is not None else []).append)


@pytest.mark.parametrize("memory_gb", [4.0, 0.0])
def test_a_folder_in_memory_and_re_read_gives_the_same(folder, memory_gb):
    told = []
    source = source_of(folder, told, memory_gb=memory_gb)
    assert source.lengths == (6,) and source.info == DataInfo(channels=3, size=8)
    assert told[0] == "read 6 pictures of 12 (PNG; RGB); 1 left out: 1 no pictures (.txt)"
    batch = source.fetch([np.array([5, 0, 0])])
    assert batch.real.shape == (3, 3, 8, 8)
    assert batch.real[:, 0, 0, 0].tolist() == [5, 0, 0]  # sub0: 0 2 4, sub1: 1 3 5


@pytest.mark.parametrize("memory_gb", [4.0, 0.0])
def test_unreadable_pictures_are_reported_and_left_out(folder, memory_gb):
    (folder / "sub0" / "1.png").write_bytes((folder / "sub0" / "0.png").read_bytes()[:40])
    (folder / "sub0" / "3.jpg").write_text("this is not a picture")
    (folder / "empty.png").touch()
    told = []
    source = source_of(folder, told, memory_gb=memory_gb, unreadable=0.34)
    assert source.lengths == (6,)
    assert "4 left out: 3 unreadable, 1 no pictures (.txt) (empty.png: ValueError: it is empty)" in told[0]
    assert [name for name, _ in source.facts[0].report.unreadable] == ["empty.png", "sub0/1.png", "sub0/3.jpg"]
    with pytest.raises(DataError, match=r"3 of the 9 picture files in .* cannot be read, more than 5%: empty\.png"):
        source_of(folder, memory_gb=memory_gb)
    assert source.fetch([np.arange(6)]).real[:, 0, 0, 0].tolist() == [0, 2, 4, 1, 3, 5]


def test_many_bad_files_are_counted_not_listed(folder):
    for number in range(40):
        (folder / f"bad{number:02}.png").touch()
    with pytest.raises(DataError) as caught:
        source_of(folder)
    assert "40 of the 46" in str(caught.value) and "and 37 more" in str(caught.value) and len(str(caught.value)) < 1200
    told = []
    source_of(folder, told, unreadable=1.0)
    assert "41 left out: 40 unreadable" in told[0] and len(told[0]) < 300


def test_a_picture_that_vanishes_while_training_is_named(folder):
    source = source_of(folder, memory_gb=0.0)
    (folder / "sub0" / "0.png").unlink()
    with pytest.raises(DataError, match=r"0\.png could be read when training began and cannot any more"):
        source.fetch([np.array([0])])


def test_folders_that_cannot_work(tmp_path, folder):
    def problem(path):
        with pytest.raises(DataError) as caught:
            source_of(path)
        return str(caught.value)

    assert f"There is no folder {tmp_path}/picture. Did you mean 'pictures'?" in problem(tmp_path / "picture")
    assert "is a file; expected a folder" in problem(folder / "notes.txt")
    (tmp_path / "empty").mkdir()
    assert "has no pictures: 0 other files" in problem(tmp_path / "empty")
    (tmp_path / "empty" / "a.txt").touch()
    assert "has no pictures: 1 other file and none that ends in .png" in problem(tmp_path / "empty")
    for number in range(7):
        (tmp_path / "empty" / f"{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(number))
    assert "None of the 7 picture files in" in problem(tmp_path / "empty")


def test_sources_are_found_by_name_or_path(registry, folder, monkeypatch):
    def opened(text):
        return open_source(DataConfig(source=text, size=8), registry, notify=lambda line: None)

    assert opened("digits").info == DataInfo(channels=1, size=8, classes=10)
    assert opened("ganzoo:digits").lengths == (TRAIN_COUNT,)
    assert opened(str(folder)).lengths == opened(f"folder:{folder}").lengths == (6,)
    monkeypatch.chdir(folder.parent)
    assert opened("pictures").lengths == (6,)
    with pytest.raises(RequestError, match="There is no data source 'digit'. Did you mean 'digits'"):
        opened("digit")
    with pytest.raises(DataError, match="There is no folder .*nowhere"):
        opened("./nowhere")
    few, every = (opened(text).fetch([np.arange(7)]) for text in ("digits:7", "digits"))
    assert opened("digits:7").lengths == (7,)
    assert few.real.equal(every.real) and few.label.equal(every.label)
    for text in ("digits:0", "digits:1501", "digits:some"):
        with pytest.raises(RequestError, match=f"{text} is no number of digits; there are 1500 to train on"):
            opened(text)


def test_the_digits_are_split_and_enlarged_as_stated():
    train, held_out = load_digits()
    assert train.images.shape == (1500, 8, 8) and held_out.images.shape == (297, 8, 8)
    assert train.images.min() == 0 and train.images.max() == 16
    assert np.bincount(np.concatenate([train.labels, held_out.labels])).tolist() == [
        178, 182, 177, 183, 181, 182, 181, 179, 174, 180,
    ]  # fmt: skip
    assert np.bincount(held_out.labels).min() >= 20
    picture = enlarge(train.images[:1], 32)[0]
    pixels = (train.images[0] * 255 / 16).round().astype(np.uint8)
    expected = Image.fromarray(pixels).resize((32, 32), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(picture, np.asarray(expected))


def test_every_epoch_shows_every_picture_once_in_an_order_of_its_own():
    order = Order(seed=0, batch_size=4, lengths=[10])
    shown = np.concatenate([order.indices(step)[0] for step in range(15)])  # six epochs of ten
    epochs = shown.reshape(6, 10)
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs.tolist())
    assert len({tuple(epoch) for epoch in epochs.tolist()}) == 6
    again = Order(seed=0, batch_size=4, lengths=[10])
    np.testing.assert_array_equal(again.indices(14)[0], order.indices(14)[0])
    assert not np.array_equal(Order(seed=1, batch_size=4, lengths=[10]).indices(0)[0], order.indices(0)[0])


def test_a_batch_larger_than_the_data_spans_epochs():
    (indices,) = Order(seed=0, batch_size=25, lengths=[10]).indices(0)
    assert np.bincount(indices).min() == 2 and len(indices) == 25


def test_two_sides_are_shuffled_apart():
    one, two = Order(seed=0, batch_size=50, lengths=[50, 50]).indices(0)
    assert not np.array_equal(one, two)


def test_the_prefetcher_gives_what_the_order_says_and_passes_errors_on(folder):
    source = source_of(folder)
    order = Order(seed=0, batch_size=2, lengths=source.lengths)
    with Prefetcher(source, order) as prefetcher:
        for step in (0, 1, 2, 7, 8):
            expected = source.fetch(order.indices(step)).real
            np.testing.assert_array_equal(prefetcher.batch(step).real, expected)
    broken = source_of(folder, memory_gb=0.0)
    for path in folder.rglob("*.png"):
        path.unlink()
    with Prefetcher(broken, order) as prefetcher, pytest.raises(DataError):
        prefetcher.batch(0)
