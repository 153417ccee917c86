"""Good pictures alone: recipes, partners that follow from a key, parts at their own size, pairs of unequal size."""

import io
import math
import shutil
import tarfile

import numpy as np
import pytest
import torch
from numpy.random import RandomState
from PIL import Image

import ganzoo as gz
from ganzoo.architecture.wanted import WantedData
from ganzoo.config import DataConfig, ImageToImageConfig
from ganzoo.config.resolve import Layer, resolve
from ganzoo.data.arranging import arrangement
from ganzoo.data.degradation import kernels, steps
from ganzoo.data.degradation.recipe import KINDS, parse_recipe
from ganzoo.data.domains import with_whole_paths
from ganzoo.data.opening import completed, info_shown, open_data
from ganzoo.errors import DataError, RequestError
from ganzoo.nn.filters import gaussian_blurred, reflected, sharpened


def picture(seed, height, width, channels=3):
    noise = RandomState(seed).randint(256, size=(height // 4 + 2, width // 4 + 2, channels)).astype(np.uint8)
    image = Image.fromarray(noise if channels == 3 else noise[:, :, 0])
    return image.resize((width, height), Image.Resampling.BICUBIC)


def folder(path, sizes):
    path.mkdir()
    for number, (height, width) in enumerate(sizes):
        picture(number, height, width).save(path / f"{number}.png")
    return path


def opened(registry, source, *, kind="pairs", scale=4, degradation="down", told=None, **options):
    config = resolve(
        "x", ImageToImageConfig, [Layer(origin="test", tables={"data": {"source": str(source), **options}})]
    )
    config = completed(config, WantedData(kind=kind, scale=scale, degradation=degradation), registry)
    notes = told if told is not None else []
    config = config.__class__(
        architecture=config.architecture, train=config.train, origins=config.origins,
        data=with_whole_paths(config.data, kind, registry),
    )  # fmt: skip
    wanted = WantedData(kind=kind, scale=scale, degradation=degradation)
    return open_data(config, wanted, registry, notes.append), config


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("blurr", r"no step|a step 'blurr'.* Did you mean 'blur'"),
        ("noise:300", "expected 0 to 255"),
        ("noise:30-10", "the lower first"),
        ("noise:x", "data.degrade has 'noise:x'"),
        ("noise:1e3", "data.degrade has 'noise:1e3'"),
        ("jpeg:0", "expected 1 to 100"),
        ("gray:0.5", "takes no number"),
        ("holes@0", "a share above 0"),
        ("down@0.5", "a share above 0"),
        ("down:cubic", "data.degrade has 'down:cubic'"),
        ("down,down", "stands in it twice"),
        ("second-order,noise", "stands alone"),
        (",", "is empty"),
        ("noise:.", "is no number"),
    ],
)
def test_recipes_that_are_none_say_what_there_is(text, told):
    with pytest.raises(RequestError, match=told) as caught:
        parse_recipe(text, 4)
    assert caught.value.hint


def test_a_partner_is_as_large_as_the_scale_says_and_shrinks_behind_the_blur():
    recipe = parse_recipe("blur:1-2 blur@0.5,noise,jpeg:40", 4)
    assert [part.name for part in recipe.parts] == ["blur", "blur", "down", "noise", "jpeg"]
    assert [part.name for part in parse_recipe("noise, down:area, jpeg", 2).parts] == ["noise", "down", "jpeg"]
    assert [part.name for part in parse_recipe("noise", 1).parts] == ["noise"]
    with pytest.raises(RequestError, match="a picture's partner would be the picture"):
        parse_recipe("down", 1)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("text", [*KINDS, "second-order", "blur,noise@0.5,jpeg"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_step_gives_a_picture_that_its_key_alone_decides(scale, text, channels):
    recipe = parse_recipe(text, scale)
    good = torch.from_numpy(RandomState(0).randint(256, size=(channels, 24, 36)).astype(np.uint8))
    one, again, other = (recipe.partner(good, RandomState(seed)) for seed in (1, 1, 2))
    assert one.shape == (channels, 24 // scale, 36 // scale) and one.dtype == torch.uint8
    assert torch.equal(one, again)
    if text not in ("gray",):
        assert not torch.equal(one, other)


def test_one_steps_luck_does_not_move_the_others():
    good = torch.from_numpy(np.asarray(picture(0, 32, 32)).copy()).permute(2, 0, 1)
    plain = parse_recipe("noise:20", 1)
    skipped = [parse_recipe("noise:20,gray@0.5", 1).partner(good, RandomState(seed)) for seed in range(20)]
    same = [torch.equal(one, plain.partner(good, RandomState(seed))) for seed, one in enumerate(skipped)]
    assert 4 <= sum(same) <= 16  # half of them keep their colours, and then their noise is the same


def test_shrinking_is_pillows():
    good = torch.from_numpy(np.asarray(picture(3, 64, 48)).copy()).permute(2, 0, 1)
    made = parse_recipe("down", 4).partner(good, RandomState(0)).permute(1, 2, 0).numpy()
    pillow = np.asarray(Image.fromarray(good.permute(1, 2, 0).numpy()).resize((12, 16), Image.Resampling.BICUBIC))
    assert np.abs(made.astype(int) - pillow).max() <= 2  # which rounds twice


def test_noise_is_as_strong_as_it_says_and_grey_noise_is_the_same_of_each_colour():
    flat = torch.full((3, 200, 200), 0.5)
    for sigma in (5, 25):
        noise = steps.with_noise(flat, sigma, RandomState(0)) - flat
        assert noise.std().item() * 255 == pytest.approx(sigma, rel=0.02)
    grey = steps.with_noise(flat, 10, RandomState(0), grey=True)
    assert torch.equal(grey[0], grey[1]) and torch.equal(grey[1], grey[2])
    shot = steps.with_shot_noise(flat, 0.1, RandomState(0)) - flat
    assert shot.var().item() == pytest.approx(0.1**2 * 0.5 / 2, rel=0.1)  # x / levels, which are two at the least


def test_jpeg_is_pillows_and_holes_cover_what_they_say():
    good = torch.from_numpy(np.asarray(picture(1, 40, 40)).copy()).permute(2, 0, 1)
    file = io.BytesIO()
    Image.fromarray(good.permute(1, 2, 0).numpy()).save(file, "JPEG", quality=30)
    made = parse_recipe("jpeg:30", 1).partner(good, RandomState(0))
    assert np.array_equal(made.permute(1, 2, 0).numpy(), np.asarray(Image.open(file)))
    shares = []
    for seed in range(40):
        holed = steps.with_holes(torch.zeros(3, 64, 64), 0.2, RandomState(seed))
        shares.append(float(((holed[0] == 1) & (holed[2] == 1)).float().mean()))
    assert 0.14 < np.mean(shares) < 0.22 and max(shares) <= 0.3  # they may overlap


def test_kernels_sum_to_one_and_are_what_the_paper_has():
    random = RandomState(0)
    for _ in range(200):
        kernel = kernels.draw_kernel(random, kernels.BlurRange((0.2, 3.0)))
        assert kernel.sum().item() == pytest.approx(1, abs=1e-4) and kernel.shape[0] in range(7, 22, 2)
    plain = kernels.gaussian_kernel(9, 2.0, 2.0)
    wanted = math.exp(-(3**2 + 1**2) / (2 * 2.0**2)) * plain[4, 4]
    assert plain[5, 7].item() == pytest.approx(wanted.item(), rel=1e-5)
    turned = kernels.gaussian_kernel(11, 3.0, 1.0, math.pi / 2)
    torch.testing.assert_close(turned, kernels.gaussian_kernel(11, 1.0, 3.0), atol=1e-6, rtol=1e-4)
    sinc = kernels.sinc_kernel(math.pi / 2, 21)
    assert (sinc < 0).any()  # it rings
    spectrum = torch.fft.fft2(sinc, s=(64, 64)).abs()
    assert spectrum[0, 8] > 0.9 and spectrum[0, 30] < 0.1  # passes below pi/2, and stops what is above


def test_filters_mirror_borders_of_pictures_of_any_size():
    small = torch.rand(1, 1, 3, 1)
    assert reflected(small, 7, 2).shape == (1, 1, 17, 5)
    flat = torch.full((1, 3, 9, 5), 0.3)
    torch.testing.assert_close(gaussian_blurred(flat, 2.0), flat)
    torch.testing.assert_close(sharpened(flat), flat)
    torch.testing.assert_close(reflected(torch.rand(2, 1, 8, 8), 3, 2), reflected(torch.rand(2, 1, 8, 8), 3, 2),
                               atol=1, rtol=1)  # fmt: skip


SIZES = [(40, 64), (64, 40), (33, 50), (97, 21), (16, 16)]


@pytest.mark.parametrize("memory_gb", [4.0, 0.0])
def test_parts_are_pixels_of_the_pictures_and_partners_lie_on_their_grid(registry, tmp_path, memory_gb):
    place, told = folder(tmp_path / "good", SIZES), []
    source, config = opened(registry, place, size=16, told=told, memory_gb=memory_gb)
    assert str(source.info) == "source 3x4x4, target 3x16x16" and source.lengths == (5,)
    assert config.data.fit == "part" and config.data.degrade == "down"
    arrange = arrangement(source, source.info, seed=7, batch_size=4, key="", rows=None)
    whole = {index: source.whole(index) for index in range(5)}
    places = set()
    for step in range(12):
        indices = RandomState(step).randint(5, size=4)
        pair = arrange([indices], step)
        for row, index in enumerate(indices):
            good = whole[index].target[0]
            at = [
                (top, left)
                for top in range(0, good.shape[1] - 15, 4)
                for left in range(0, good.shape[2] - 15, 4)
                if torch.equal(good[:, top : top + 16, left : left + 16], pair.target[row])
            ]
            assert at, f"picture {index}"
            top, left = at[0]
            low = whole[index].source[0][:, top // 4 : top // 4 + 4, left // 4 : left // 4 + 4]
            # The same pixels as of the whole picture; beyond its border a part is mirrored, and the picture ends.
            apart = (low.int() - pair.source[row].int()).abs()
            height, width = (side // 4 for side in SIZES[index])
            rows = [row for row in range(4) if 2 <= top // 4 + row < height - 2]  # bicubic reaches two pixels
            columns = [column for column in range(4) if 2 <= left // 4 + column < width - 2]
            assert all(int(apart[:, row, column].max()) <= 1 for row in rows for column in columns)
            places.add((int(index), top, left))
    assert len(places) > 20


def test_what_a_step_is_shown_follows_from_its_key_and_not_from_the_rank(registry, tmp_path):
    source, _ = opened(registry, folder(tmp_path / "good", SIZES), size=16, degrade="second-order", flip=True)
    indices = np.arange(8) % source.lengths[0]

    def shown(step=3, seed=0, rows=None, key=""):
        arrange = arrangement(source, source.info, seed=seed, batch_size=8, key=key, rows=rows)
        return arrange([indices if rows is None else indices[rows]], step)

    whole, rows = shown(), np.array([1, 4, 6])
    assert torch.equal(whole.source, shown().source)
    assert torch.equal(whole.source[rows], shown(rows=rows).source)
    assert torch.equal(whole.target[rows], shown(rows=rows).target)
    for other in (shown(step=4), shown(seed=1), shown(key="own")):
        assert not torch.equal(whole.source, other.source)
    fixed = source.fetch([indices])
    assert torch.equal(fixed.source, source.fetch([indices]).source)  # what is scored has the same partners each time


def test_pictures_smaller_than_a_part_are_mirrored_and_counted(registry, tmp_path):
    told = []
    source, _ = opened(registry, folder(tmp_path / "good", [(10, 40), (40, 40)]), size=32, told=told)
    assert any("1 of 2 pictures are smaller than the parts" in line for line in told)
    assert source.fetch([np.array([0])]).target.shape == (1, 3, 32, 32)


@pytest.mark.parametrize("source_channels", [None, 1])
def test_a_source_of_one_size_is_degraded_as_it_is(registry, source_channels):
    options = {} if source_channels is None else {"source_channels": source_channels}
    source, config = opened(registry, "digits:20", degrade="gray", scale=1, size=32, channels=3, **options)
    pair = source.fetch([np.arange(3)])
    assert pair.source.shape == (3, source_channels or 3, 32, 32) and pair.target.shape == (3, 3, 32, 32)
    arrange = arrangement(source, info_shown(source, config), seed=0, batch_size=3, key="", rows=None)
    assert torch.equal(arrange([np.arange(3)], 0).target, pair.target)


def test_load_size_cuts_what_is_degraded(registry, tmp_path):
    source, config = opened(registry, folder(tmp_path / "good", SIZES), size=16, load_size=24)
    assert config.data.fit == "crop" and str(source.info) == "source 3x4x4, target 3x16x16"
    arrange = arrangement(source, info_shown(source, config), seed=0, batch_size=2, key="", rows=None)
    assert arrange([np.array([0, 1])], 0).source.shape == (2, 3, 4, 4)


def unequal(tmp_path, *, odd=None):
    low, high = tmp_path / "low", tmp_path / "high"
    low.mkdir(), high.mkdir()
    for number, (height, width) in enumerate([(20, 31), (16, 16), (25, 18)]):
        good = picture(number, 4 * height + (odd or 0), 4 * width)
        good.save(high / f"{number}.png")
        good.resize((width, height), Image.Resampling.BOX).save(low / f"{number}.png")
    return low, high


def test_real_pairs_of_unequal_size_are_cut_at_the_same_place(registry, tmp_path):
    low, high = unequal(tmp_path)
    source, config = opened(registry, low, target=str(high), size=32, fit="part")
    assert str(source.info) == "source 3x8x8, target 3x32x32" and config.data.degrade == ""
    arrange = arrangement(source, source.info, seed=1, batch_size=3, key="", rows=None)
    for step in range(5):
        pair = arrange([np.array([0, 1, 2])], step)
        shrunk = torch.nn.functional.avg_pool2d(pair.target.float(), 4)
        assert (shrunk - pair.source.float()).abs().max() <= 1
    assert source.whole(2).target.shape == (1, 3, 100, 72)


def test_pairs_that_do_not_correspond_are_named(registry, tmp_path):
    low, high = unequal(tmp_path, odd=8)
    with pytest.raises(
        DataError, match=r"3 of 3 pairs the target is not 4 times as large as the source: .*31x20 .* 124x88"
    ):
        opened(registry, low, target=str(high), size=32, fit="part")


def test_what_cannot_be_asked_for_is_said(registry, tmp_path):
    place = folder(tmp_path / "good", [(40, 40)])
    for options, told in (
        ({"degrade": "noise", "target": str(place)}, "--target gives them"),
        ({"fit": "part", "cache": str(tmp_path / "cache")}, "cache is for pictures that are resized"),
        ({"fit": "part", "size": 16, "load_size": 32}, "load_size is for pictures that are resized"),
        ({"size": 30}, "no multiple of 4"),
        ({"degrade": "holes", "size": 32, "source_size": 16}, "Leave data.source_size out"),
    ):
        with pytest.raises(RequestError) as caught:
            opened(registry, place, **options)
        assert told in f"{caught.value.message} {caught.value.hint}"
    with pytest.raises(RequestError, match="learns from two domains"):
        opened(registry, place, kind="domains", scale=1, degradation="", degrade="noise")
    for kind in ("wds", "hf"):
        with pytest.raises((RequestError, DataError)):
            opened(registry, f"{kind}:{place}", degrade="noise", fit="part")


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Good pictures of one size, in every way that they can be given."""
    place = tmp_path_factory.mktemp("given")
    pictures = folder(place / "good", [(32, 32)] * 6)
    (place / "shards").mkdir()
    for name in ("pictures.tar", "shards/0.tar"):
        with tarfile.open(place / name, "w") as file:
            for path in sorted(pictures.iterdir()):
                file.add(path, path.name)
    shutil.make_archive(str(place / "pictures"), "zip", pictures)
    gz.prepare_data(pictures, place / "pictures.npz", settings={"data.size": 32})
    return {"folder": pictures, "tar": place / "pictures.tar", "zip": place / "pictures.zip",
            "prepared": place / "pictures.npz", "wds": f"wds:{place / 'shards'}", "digits": "digits"}  # fmt: skip


@pytest.mark.parametrize("way", ["folder", "tar", "zip", "prepared", "wds", "digits"])
def test_good_pictures_may_come_in_every_way_that_pictures_come(registry, given, way):
    """Those that have a size are taken as they are, without a word of settings that nobody stated."""
    channels = 1 if way == "digits" else 3
    source, config = opened(registry, given[way], size=32, channels=channels)
    assert str(source.info) == f"source {channels}x8x8, target {channels}x32x32"
    assert config.data.fit == ("part" if way in ("folder", "tar", "zip") else "crop")
    pair = source.fetch([np.array([0, 1])])
    assert pair.source.shape == (2, channels, 8, 8) and pair.target.float().std() > 0
    if config.data.fit == "crop":
        with pytest.raises(RequestError, match="is for folders and archives|was prepared with data.fit = 'crop'"):
            opened(registry, given[way], size=32, channels=channels, fit="part")


def test_a_recipe_is_looked_at_before_training(given, tmp_path):
    settings = {"data.degrade": "gray,jpeg:20", "data.size": 32, "data.source_size": 8}
    found = gz.data_info(given["folder"], settings=settings)
    assert found.pictures == "source 3x8x8, target 3x32x32" and found.report["count"] == 6
    sheet = np.asarray(found.sheet).astype(int)
    assert (
        np.ptp(sheet[:32, :32], axis=2).max() < np.ptp(sheet[:32, 32:64], axis=2).max()
    )  # a grey partner, the picture
    assert gz.data_info(given["prepared"], settings={"data.degrade": "noise"}).pictures.count("32x32") >= 1
    with pytest.raises(RequestError, match="Did you mean 'noise'"):
        gz.data_info(given["folder"], settings={"data.degrade": "nois"})
    with pytest.raises(RequestError, match="nothing says how many times smaller"):
        gz.data_info(given["folder"], settings={"data.degrade": "down"})


@pytest.mark.parametrize("settings", [{"data.degrade": "noise"}, {"data.fit": "part", "data.size": 16}])
def test_what_is_drawn_at_each_step_is_not_prepared(given, tmp_path, settings):
    with pytest.raises(RequestError, match="shows something else at each step"):
        gz.prepare_data(given["folder"], tmp_path / "made.npz", settings=settings)
    assert not list(tmp_path.iterdir())


def test_parts_serve_generators_from_noise_too(registry, tmp_path):
    place = folder(tmp_path / "good", SIZES)
    run = gz.train(
        "dcgan", data=place, out=tmp_path / "run", preset="tiny", steps=3,
        settings={"data.fit": "part", "data.size": 16, "data.channels": 3, "data.flip": True, "data.turn": True},
    )  # fmt: skip
    assert run.data_description.startswith("folder, 5 pictures, and their mirror images, and their quarter turns")
    assert gz.resume(run, steps=5).metrics()[-1]["step"] == 5


def test_quarter_turns_are_of_squares(registry, tmp_path):
    place = folder(tmp_path / "good", [(40, 40)])
    source, _ = opened(registry, place, size=16, turn=True)
    assert source.lengths == (4,)
    first = source.fetch([np.array([0])]).target
    for quarter in range(4):
        turned = source.fetch([np.array([quarter])]).target
        assert torch.equal(turned, first.rot90(quarter, (2, 3)))
    with pytest.raises(RequestError, match="data.turn turns square pictures"):
        opened(registry, place, size=(16, 32), turn=True)


def test_a_data_config_has_no_recipe_of_its_own():
    assert DataConfig().degrade == "" and DataConfig().fit == "crop"
