"""Which kinds of pictures are known, who decodes them, and what is said where that library is missing."""

import io

import numpy as np
import pytest
from PIL import Image

from ganzoo.config import DataConfig
from ganzoo.data import foreign, jpeg
from ganzoo.data.depth import Depth, read_scale, to_eight_bits
from ganzoo.data.folder import open_folder
from ganzoo.data.kinds import Kind
from ganzoo.data.rules import Rules, least
from ganzoo.errors import DataError, RequestError

JXL = b"\xff\x0a" + bytes(40)
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jxl", JXL, r"a\.jxl: ValueError: it is JPEG XL, which wants pylibjxl: pip install 'ganzoo\[jxl\]'"),
        (
            "a.jpg",
            HEIC,
            r"it is HEIC, which wants pillow_heif: pip install 'ganzoo\[heic\]' \(its wheel is under the GPL\)",
        ),
        ("a", HEIC, r"it is HEIC, which wants pillow_heif"),
        (
            "a.cr2",
            b"II*\0\x10\0\0\0CR\x02\0" + bytes(60),
            r"it is camera RAW, which wants rawpy: pip install 'ganzoo\[raw\]'",
        ),
        ("a.NEF", b"MM\0*" + bytes(80), "it is camera RAW"),
    ],
)
def test_a_missing_library_is_named(tmp_path, monkeypatch, name, content, words):
    monkeypatch.setattr(Kind, "is_here", property(lambda kind: False))
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words):
        open_folder(str(tmp_path), DataConfig(), notify=print)


def test_deep_colours_want_a_library_when_a_scale_is_stated(tmp_path, monkeypatch):
    imagecodecs = pytest.importorskip("imagecodecs")
    monkeypatch.setattr(Kind, "is_here", property(lambda kind: False))
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(np.full((8, 8, 3), 700, np.uint16)))
    open_folder(str(tmp_path), DataConfig(), notify=print)
    with pytest.raises(DataError, match=r"wants imagecodecs: pip install 'ganzoo\[deep\]'"):
        open_folder(str(tmp_path), DataConfig(scale="minmax"), notify=print)


def test_the_extras_that_are_named_are_there():
    import tomllib
    from pathlib import Path

    project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    for kind in (foreign.DEEP, *foreign.DECODERS):
        assert kind.extra in extras
    assert not any("heif" in line for name, lines in extras.items() if name != "heic" for line in lines)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_blocks": 2}])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_files_have_pillows_pixels(mode, options, channels):
    pixels = np.random.RandomState(0).randint(256, size=(37, 53, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, "JPEG", quality=80, **(options if mode == "RGB" else {}))
    (found,) = jpeg.decode([buffer.getvalue()], channels, None, 10**6)
    assert found is not None and found.size == (37, 53) and found.mode == mode
    expected = Image.open(buffer).convert("L" if channels == 1 else "RGB")
    image = found.image if isinstance(found.image, Image.Image) else Image.fromarray(found.image.squeeze())
    np.testing.assert_array_equal(np.asarray(image.convert(expected.mode)), np.asarray(expected))


def test_a_fast_jpeg_is_near_the_exact_one_and_never_smaller_than_it_will_be(tmp_path):
    coarse = np.random.RandomState(0).randint(256, size=(16, 24, 3)).astype(np.uint8)
    Image.fromarray(coarse).resize((720, 480), Image.Resampling.BICUBIC).save(tmp_path / "a.jpg", quality=90)
    for options in (
        {"size": (60, 90)},
        {"size": 64},
        {"size": 64, "fit": "pad"},
        {"size": (30, 200), "fit": "stretch"},
    ):
        exact, fast = (
            open_folder(str(tmp_path), DataConfig(decode=decode, **options), notify=lambda line: None)
            for decode in ("exact", "fast")
        )
        one, other = (source.fetch([np.arange(1)]).real.short() for source in (exact, fast))
        assert (one - other).abs().max() <= 16 and not (one == other).all()
    content = (tmp_path / "a.jpg").read_bytes()
    (found,) = jpeg.decode([content], 3, least((120, 170), Rules(decode="fast")), 10**6)
    assert found.image.shape == (120, 180, 3)
    assert least((120, 170), Rules()) is None


def test_many_files_of_all_kinds_at_once_are_each_read_as_alone():
    """One that Pillow has to decode, a damaged one, a turned one and a plain one do not change each other."""
    pixels = np.random.RandomState(0).randint(256, size=(20, 30, 3)).astype(np.uint8)
    contents = []
    for options in (
        {},
        {"exif": _turned(6)},
        {"exif": _turned(1)},
        {"icc_profile": b"no profile"},
        {"comment": b"Exif"},
    ):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", **options)
        contents.append(buffer.getvalue())
    plain = contents[0]
    frame = plain.index(b"\xff\xc0")
    exif = contents[1][contents[1].index(b"\xff\xe1") :]
    exif = exif[: 2 + int.from_bytes(exif[2:4], "big")]
    scan = plain.index(b"\xff\xda")
    contents += [
        plain[:scan] + exif + plain[scan:],  # behind the frame
        plain[:frame] + b"\xff\xff\xff" + plain[frame:],  # filling
        plain[: frame + 4] + b"\x0c" + plain[frame + 5 :],  # 12 bits
        plain[: frame + 9] + b"\x02" + plain[frame + 10 :],  # two colours
        plain[: frame + 5] + b"\x00\x00" + plain[frame + 7 :],  # no height
        plain[:frame],
        b"\xff\xd8\xff",
        b"",
        b"no picture",
    ]
    together = jpeg.decode(contents, 3, None, 10**6)
    alone = [jpeg.decode([content], 3, None, 10**6)[0] for content in contents]
    assert [one is None for one in together] == [one is None for one in alone] == 7 * [False] + 7 * [True]
    assert [one.turn for one in together[:7]] == [1, 6, 1, 1, 1, 6, 1]
    for one, other in zip(together[:7], alone[:7], strict=True):
        np.testing.assert_array_equal(np.asarray(one.image), np.asarray(other.image))


def _turned(turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    return exif


def test_without_the_library_for_jpeg_pillow_reads_them(tmp_path, monkeypatch):
    Image.new("RGB", (40, 30), (200, 30, 10)).save(tmp_path / "a.jpg")
    with_it = open_folder(str(tmp_path), DataConfig(size=30), notify=print).fetch([np.arange(1)]).real
    monkeypatch.setattr(jpeg, "_SIMPLEJPEG", None)
    without = open_folder(str(tmp_path), DataConfig(size=30), notify=print).fetch([np.arange(1)]).real
    assert with_it.equal(without)
    open_folder(str(tmp_path), DataConfig(size=8, decode="fast"), notify=print)


def test_scales():
    values, sixteen = np.array([[100, 4095]], dtype=np.uint16), Depth("unsigned", 16)
    assert to_eight_bits(values, sixteen, "full")[0].tolist() == [[0, 16]]
    assert to_eight_bits(values, sixteen, "full")[1] == "dark 4095"
    assert to_eight_bits(values, sixteen, "minmax") == (pytest.approx(np.array([[0, 255]])), "")
    assert to_eight_bits(values, sixteen, (0.0, 2000.0))[1] == "clipped"
    assert to_eight_bits(np.full((2, 2), 7.0), Depth("float", 32), "minmax")[0].tolist() == [[128, 128]] * 2
    for wrong in ("half", "1", "2,1", "0,inf", "1,2,3", "nan,1"):
        with pytest.raises(ValueError, match="expected full, minmax, or two numbers"):
            read_scale(wrong)


@pytest.mark.parametrize("options", [{"scale": "0;1"}, {"background": "whitish"}])
def test_settings_that_mean_nothing_are_refused(tmp_path, options):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(RequestError, match=r"data\.(scale|background) = '(0;1|whitish)': expected"):
        open_folder(str(tmp_path), DataConfig(**options), notify=print)
