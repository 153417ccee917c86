"""Large pictures: tiles against the whole, transparency, 16 bits, files and folders, and memory."""

import dataclasses
import os
import resource
import signal
import subprocess
import sys
import time

import imagecodecs
import numpy as np
import pytest
import torch
from numpy.random import RandomState
from PIL import Image
from torch import nn
from torch.nn.functional import interpolate

import ganzoo as gz
from ganzoo.api.export import export_untrained
from ganzoo.api.translate_files import translate_files
from ganzoo.data.originals import read_original
from ganzoo.data.png import write_png
from ganzoo.errors import DataError, GanzooError, RequestError
from ganzoo.sampling.enlarging import Enlarging, Tiling
from ganzoo.sampling.graphs import GraphFunction
from ganzoo.sampling.tiles import paint_tiles, plan_tiles
from ganzoo.tensors import BATCH, Dim, TensorSpec


class Net(nn.Module):
    """Sees five pixels, paints twice as large; zeros beyond its borders, as published networks have."""

    def __init__(self, scale=2, reach=5):
        super().__init__()
        torch.manual_seed(0)
        self.scale = scale
        self.layers = nn.ModuleList(nn.Conv2d(3, 3, 3, padding=1) for _ in range(reach))
        with torch.no_grad():
            for layer in self.layers:
                layer.weight.mul_(3)  # so that it does see that far

    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return interpolate(x, scale_factor=self.scale, mode="nearest") / 2 + 0.5


def graph(scale=2, reach=5, multiple=1, module=None, extra=(), rounded=1):
    net = (module or Net(scale, reach)).double()
    sides = [Dim(name=name, multiple=multiple) for name in ("height", "width")]
    made = [Dim(name=name, times=scale, rounded=rounded) for name in ("height", "width")]

    def run(arrays):
        with torch.no_grad():
            return [net(*(torch.from_numpy(array).double() for array in arrays)).float().numpy()]

    return GraphFunction(
        name="restore",
        inputs=(TensorSpec(name="source", shape=(BATCH, 3, *sides), kind="picture", low=0.0, high=1.0), *extra),
        outputs=(TensorSpec(name="target", shape=(BATCH, 3, *made), kind="picture", low=0.0, high=1.0),),
        run=run,
        role="translate",
        reach=reach,
    )


def picture(height, width, seed=0, channels=3, bits=8):
    values = RandomState(seed).randint(2**bits, size=(height, width, channels))
    return values.astype(np.uint8 if bits == 8 else np.uint16)


def original(pixels, alpha=None):
    from ganzoo.data.originals import Original

    return Original(pixels, alpha)


def painted(pixels, tile, overlap, **options):
    said = []
    way = Enlarging(graph=graph(**options), tiling=Tiling(tile=tile, overlap=overlap), say=said.append)
    return way.to_array(original(pixels)), said


@pytest.mark.parametrize("multiple", [1, 2, 4])
@pytest.mark.parametrize("shape", [(90, 130), (61, 47), (40, 200), (7, 5), (1, 90)])
def test_tiles_with_all_their_surroundings_are_the_whole_picture(shape, multiple):
    pixels = picture(*shape)
    whole, _ = painted(pixels, 0, None, multiple=multiple)
    assert whole.shape == (2 * shape[0], 2 * shape[1], 3)
    for tile, overlap in ((48, 8), (52, 5 if multiple == 1 else 8)):
        tiles, said = painted(pixels, tile, overlap, multiple=multiple)
        assert np.array_equal(tiles, whole) and not said


def test_with_less_they_fade_into_each_other_and_the_seam_is_measured():
    pixels = picture(120, 120)
    whole, _ = painted(pixels, 0, None)
    apart = []
    for overlap in (5, 3, 0):
        tiles, said = painted(pixels, 48, overlap)
        apart.append(np.abs(tiles.astype(int) - whole).max())
        assert bool(said) == (overlap < 5)
    assert apart[0] == 0 < apart[1] <= apart[2] and apart[2] > 4
    assert "grey levels where they meet" in said[0] and "--overlap 5" in said[0]


def test_every_pixel_is_written_once_whatever_the_plan():
    for height, width in ((30, 30), (31, 100), (97, 64), (200, 33)):
        for tile in (38, 41, 64):
            plan = plan_tiles(height, width, tile=tile, overlap=3)
            seen = np.zeros((3 * height, 3 * width), dtype=int)

            def write(rows, columns, values, seen=seen):
                assert values.shape[1:] == (rows.stop - rows.start, columns.stop - columns.start)
                seen[rows, columns] += 1

            def read(rows, columns):
                return np.zeros((1, rows.stop - rows.start, columns.stop - columns.start), dtype=np.float32)

            list(paint_tiles(read, lambda part: part.repeat(3, 1).repeat(3, 2), plan, 3, write))
            assert (seen == 1).all()
            assert {plan.height, plan.width} == {min(tile, height), min(tile, width)}


def test_tiles_without_a_middle_are_refused():
    with pytest.raises(RequestError, match="leave nothing in the middle") as caught:
        painted(picture(90, 90), 32, 20)
    assert "--tile" in caught.value.hint


def test_large_pictures_are_tiled_unasked_and_small_ones_are_not(monkeypatch):
    monkeypatch.setattr("ganzoo.sampling.enlarging._WHOLE", 100 * 100)
    monkeypatch.setattr("ganzoo.sampling.enlarging.USUAL_TILE", 64)
    sizes = []
    way = graph()
    run = way.run
    seen = GraphFunction(
        name="x", inputs=way.inputs, outputs=way.outputs, role="translate", reach=5,
        run=lambda arrays: sizes.append(arrays[0].shape[2:]) or run(arrays),
    )  # fmt: skip
    said = []
    for pixels, tile in ((picture(90, 90), None), (picture(150, 100), None), (picture(150, 100), 0)):
        Enlarging(graph=seen, tiling=Tiling(tile=tile), say=said.append).to_array(original(pixels))
    assert sizes[0] == (90, 90) and set(sizes[1:-1]) == {(64, 64)} and sizes[-1] == (150, 100)
    assert len(said) == 1 and "--tile 0" in said[0]


def test_sizes_that_are_rounded_up_are_cut_back():
    class Rounded(Net):
        def forward(self, x):
            down, across = (-side % 8 for side in x.shape[2:])
            return super().forward(nn.functional.pad(x, (0, across, 0, down), mode="replicate"))

    tiles = painted(picture(37, 50), 0, None, module=Rounded(), rounded=8)[0]
    assert tiles.shape == (74, 100, 3)


def test_what_is_not_finite_is_an_error():
    class Broken(Net):
        def forward(self, x):
            return super().forward(x) * float("nan")

    with pytest.raises(GanzooError, match="not finite"):
        painted(picture(9, 9), 0, None, module=Broken())


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("rows", [1, 7, 64])
def test_png_files_are_what_others_read(tmp_path, channels, bits, rows):
    pixels, path = picture(50, 31, channels=channels, bits=bits), tmp_path / "a.png"
    write_png(path, (pixels[top : top + rows] for top in range(0, 50, rows)), height=50, width=31)
    assert np.array_equal(imagecodecs.png_decode(path.read_bytes()).reshape(pixels.shape), pixels)
    with Image.open(path) as image:
        image.load()
        assert image.size == (31, 50) and image.info["Software"] == "ganzoo"
    before = path.read_bytes()
    with pytest.raises(ValueError, match="30 rows for a picture of 50"):
        write_png(path, [pixels[:30]], height=50, width=31)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def saved(path, pixels):
    path.write_bytes(imagecodecs.png_encode(pixels if pixels.shape[2] > 1 else pixels[:, :, 0]))
    return path


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
def test_transparency_and_all_bits_are_kept(tmp_path, channels, bits):
    pixels = picture(24, 30, channels=channels, bits=bits)
    given = read_original(saved(tmp_path / "in.png", pixels), 3, pytest.fail)
    colours = pixels[:, :, : channels - (channels in (2, 4))]
    assert np.array_equal(given.pixels, colours if channels > 2 else np.repeat(colours, 3, 2))
    assert (given.alpha is not None) == (channels in (2, 4))
    way = Enlarging(graph=graph(), tiling=Tiling(tile=0))
    way.to_file(given, tmp_path / "out.png")
    made = imagecodecs.png_decode((tmp_path / "out.png").read_bytes())
    assert made.shape == (48, 60, 3 + (channels in (2, 4))) and made.dtype == pixels.dtype
    wanted = graph().run([given.pixels.transpose(2, 0, 1)[None].astype(np.float32) / given.most])[0][0]
    assert np.abs(made[:, :, :3] - (wanted * given.most).round().transpose(1, 2, 0)).max() <= 1
    if channels in (2, 4):
        bicubic = Image.fromarray(given.alpha.astype(np.float32)).resize((60, 48), Image.Resampling.BICUBIC)
        assert np.abs(made[:, :, 3].astype(float) - np.clip(bicubic, 0, given.most)).max() <= 1


def test_the_transparency_of_bands_is_that_of_the_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("ganzoo.sampling.enlarging._ROWS", 7)
    given = read_original(saved(tmp_path / "in.png", picture(40, 30, channels=4)), 3, pytest.fail)
    Enlarging(graph=graph(), tiling=Tiling(tile=0)).to_file(given, tmp_path / "out.png")
    bicubic = Image.fromarray(given.alpha.astype(np.float32)).resize((60, 80), Image.Resampling.BICUBIC)
    made = np.asarray(Image.open(tmp_path / "out.png"))[:, :, 3]
    assert np.abs(made.astype(float) - np.clip(bicubic, 0, 255)).max() <= 1


def test_pictures_of_other_kinds_and_turns(tmp_path):
    upright = Image.fromarray(picture(20, 30))
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(read_original(tmp_path / "turned.png", 3, pytest.fail).pixels, np.asarray(upright))
    palette = upright.quantize(8)
    palette.info["transparency"] = 0
    palette.save(tmp_path / "palette.png", transparency=0)
    found = read_original(tmp_path / "palette.png", 3, pytest.fail)
    assert found.alpha is not None and set(np.unique(found.alpha)) == {0, 255}
    Image.fromarray(picture(8, 9, channels=1, bits=16)[:, :, 0]).save(tmp_path / "deep.tif")
    assert read_original(tmp_path / "deep.tif", 3, pytest.fail).pixels.dtype == np.uint16
    assert read_original(tmp_path / "turned.png", 1, pytest.fail).pixels.shape == (20, 30, 1)
    (tmp_path / "no.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    with pytest.raises(DataError, match="cannot be read as a picture"):
        read_original(tmp_path / "no.png", 3, pytest.fail)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    (exported,) = export_untrained("real-esrgan", out=folder / "x2.onnx", preset="tiny",
                                      settings={"generator": "compact", "convolutions": 2})  # fmt: skip
    return exported.path


def test_files_and_folders_go_through_in_order(tmp_path, model):
    frames = tmp_path / "frames"
    frames.mkdir()
    for number in (1, 2, 10):
        Image.fromarray(picture(20, 16, seed=number)).save(frames / f"frame{number:03}.jpg")
    (frames / "notes.txt").write_text("no picture")
    told = []

    class Told:
        def update(self, progress):
            told.append((progress.done, progress.total, progress.unit))

        def say(self, text): ...

    line = translate_files(gz.load(model), [frames], out=tmp_path / "big", progress=Told())
    assert sorted(path.name for path in (tmp_path / "big").iterdir()) == [f"frame{n:03}.png" for n in (1, 2, 10)]
    assert told == [(1, 3, "pictures"), (2, 3, "pictures"), (3, 3, "pictures")] and line.startswith("3 pictures")
    assert all(Image.open(path).size == (32, 40) for path in (tmp_path / "big").iterdir())
    told.clear()
    Image.fromarray(picture(150, 100)).save(tmp_path / "one.png")
    translate_files(gz.load(model), [tmp_path / "one.png"], out=tmp_path / "one-x2.webp", tile=64, progress=Told())
    assert told[-1] == (told[-1][1], told[-1][1], "tiles") and told[-1][1] > 3
    assert Image.open(tmp_path / "one-x2.webp").size == (200, 300)


def test_python_gives_what_the_file_gives(tmp_path, model):
    pixels = picture(90, 70)
    Image.fromarray(pixels).save(tmp_path / "in.png")
    translate_files(gz.load(model), [tmp_path / "in.png"], out=tmp_path / "out.png", tile=48)
    held = gz.load(model)
    for given in (pixels, Image.fromarray(pixels), tmp_path / "in.png"):
        assert np.array_equal(held.translate(given, tile=48).pixels[0], np.asarray(Image.open(tmp_path / "out.png")))
    assert np.array_equal(held.translate(pixels).pixels, held.translate(pixels, tile=48).pixels)  # reach 4


def test_a_size_keeps_transparency_bits_and_tiles(tmp_path, model):
    saved(tmp_path / "in.png", picture(90, 61, channels=4, bits=16))
    line = translate_files(gz.load(model), [tmp_path / "in.png"], out=tmp_path / "out.png", size="120x80", tile=64)
    made = imagecodecs.png_decode((tmp_path / "out.png").read_bytes())
    assert made.shape == (240, 160, 4) and made.dtype == np.uint16 and line
    with pytest.raises(RequestError, match="not for a grid"):
        translate_files(gz.load(model), [tmp_path / "in.png"] * 2, out=tmp_path / "grid.png", tile=64)


def test_numbers_of_pixels_are_whole(model):
    for wrong in ({"tile": 48.5}, {"tile": "a"}, {"overlap": -4}, {"tile": True}):
        with pytest.raises(RequestError, match="expected a whole number of pixels from 0"):
            gz.load(model).translate(picture(9, 9), **wrong)


def test_a_network_that_may_see_everything_is_not_told_to_overlap_more():
    said = []
    seen = dataclasses.replace(graph(), reach=None)
    Enlarging(graph=seen, tiling=Tiling(tile=48, overlap=0), say=said.append).to_array(original(picture(90, 90)))
    assert len(said) == 1 and "may look at the whole picture" in said[0] and "--overlap" not in said[0]


def enlarging(folder, model, ignored):
    """A process that is at work in its temporary folder, with these signals ignored and all others as usual."""
    Image.fromarray(picture(100, 100)).resize((3000, 3000)).save(folder / "in.png")
    scratch = folder / "scratch"
    scratch.mkdir()
    # What this process ignores, because it runs under nohup or behind a shell, is not the test's.
    begin = (
        "import os, signal, sys\n"
        "for name in ('SIGTERM', 'SIGHUP', 'SIGINT'):\n"
        f"    signal.signal(getattr(signal, name), signal.SIG_IGN if name in {ignored!r} else signal.SIG_DFL)\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'ganzoo', *sys.argv[1:]])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", begin, "sample", model, "-i", folder / "in.png", "-o", folder / "out.png",
         "--tile", "64"], env={**os.environ, "TMPDIR": str(scratch)}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list(scratch.glob("ganzoo-picture-*/pixels")) and time.monotonic() < deadline:
        time.sleep(0.05)
    return process, scratch


@pytest.mark.parametrize(
    ("number", "ignored"),
    [("SIGTERM", ()), ("SIGHUP", ()), ("SIGINT", ()), ("SIGTERM", ("SIGINT", "SIGHUP")), ("SIGHUP", ("SIGINT",))],
)
def test_a_signal_leaves_no_temporary_files(tmp_path, model, number, ignored):
    process, scratch = enlarging(tmp_path, model, ignored)
    process.send_signal(getattr(signal, number))
    assert process.wait(30) != 0
    assert not list(scratch.glob("ganzoo-*")) and not (tmp_path / "out.png").exists()


def test_a_signal_that_nohup_ignores_ends_nothing(tmp_path, model):
    process, scratch = enlarging(tmp_path, model, ("SIGHUP", "SIGINT"))
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    assert list(scratch.glob("ganzoo-picture-*/pixels"))
    process.terminate()
    assert process.wait(30) != 0 and not list(scratch.glob("ganzoo-*"))


def test_what_cannot_be_written_is_said(tmp_path, model):
    Image.fromarray(picture(9, 9)).save(tmp_path / "in.png")
    (tmp_path / "text.png").write_text("no picture")
    held = gz.load(model)
    with pytest.raises(RequestError, match="is there, and is no picture"):
        translate_files(held, [tmp_path / "in.png"], out=tmp_path / "text.png")
    with pytest.raises(RequestError, match="is one of the pictures to translate"):
        translate_files(held, [tmp_path / "in.png"], out=tmp_path / "in.png")
    for value in (-1, 1.5, "a"):
        with pytest.raises(RequestError, match="tile"):
            translate_files(held, [tmp_path / "in.png"], out=tmp_path / "out.png", tile=value)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_height_of_a_picture(tmp_path, model):
    code = (
        "import sys, ganzoo as gz; from ganzoo.api.translate_files import translate_files; "
        "translate_files(gz.load(sys.argv[1]), [sys.argv[2]], out=sys.argv[3], tile=256)"
    )
    peaks = []
    for height in (1000, 8000):
        Image.fromarray(picture(100, 100)).resize((1000, height)).save(tmp_path / "in.jpg")
        subprocess.run([sys.executable, "-c", code, model, tmp_path / "in.jpg", tmp_path / "out.png"], check=True)
        peaks.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
    read = 4 * 7000 * 1000 / 2**20  # Pillow holds what it reads, four bytes a pixel
    assert peaks[1] - peaks[0] < 3 * read  # and not the 84 MB that it paints, several times
