"""The configs of the core: [data], and what architectures of a task have in common."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Annotated, Literal

from ganzoo.config.fields import Ge, Gt, Help, Le, Lt, MayChange, PictureSize
from ganzoo.config.schedule import Schedule
from ganzoo.datainfo import DataInfo, Domain, Picture, height_and_width, size_text


@dataclass(frozen=True, kw_only=True, slots=True)
class DataConfig:
    """The [data] table."""

    source: Annotated[str, Help("a data source, NAME or NAME:ARGUMENT, or a folder, zip or tar of pictures")] = ""
    also: Annotated[tuple[str, ...], Help("more folders or archives, read together with `source`")] = ()
    target: Annotated[str, Help("for translation: the second domain, if the source has only the first")] = ""
    swap: Annotated[bool, Help("for translation: exchange source and target")] = False
    size: Annotated[
        int | tuple[int, int] | None,
        PictureSize(4, 4096),
        Help("height and width in pixels of what is painted; the source's own if not stated, or 64"),
    ] = None
    channels: Annotated[
        Literal[1, 3] | None, Help("of what is painted: 1 grey, 3 colour; the source's own if not stated")
    ] = None
    source_size: Annotated[
        int | tuple[int, int] | None,
        PictureSize(1, 4096),
        Help("for translation: height and width of what is read; `size` if not stated"),
    ] = None
    source_channels: Annotated[
        Literal[1, 3] | None, Help("for translation: of what is read; `channels` if not stated")
    ] = None
    load_size: Annotated[
        int | tuple[int, int] | None,
        PictureSize(4, 8192),
        Help("pictures are opened at this size and a random part of `size` is shown; `size` if not stated"),
    ] = None
    resize: Annotated[Literal["lanczos", "bicubic", "bilinear", "box"], Help("resampling filter, antialiased")] = (
        "lanczos"
    )
    fit: Annotated[
        Literal["crop", "pad", "stretch", "part"],
        Help(
            "how a picture takes its shape: centre crop, borders of `background`, stretch; or a part of it at its own "
            "size, at a random place"
        ),
    ] = "crop"
    degrade: Annotated[
        str,
        Help(
            "for translation: make sources of good pictures alone, e.g. blur:0.5-2,noise:1-25,jpeg:30-95; none: both "
            "are given; the architecture's own if not stated"
        ),
    ] = ""
    background: Annotated[
        str, Help("what is seen through transparent pictures, and of borders: a colour, e.g. white or #202020")
    ] = "white"
    scale: Annotated[
        str, Help("of more than 8 bits: full (0 to the most there can be), minmax of each picture, or LOW,HIGH")
    ] = "full"
    decode: Annotated[
        Literal["exact", "fast"],
        Help("fast: a JPEG that is made smaller anyway is decoded smaller; photographs differ by up to 16 levels"),
    ] = "exact"
    labels: Annotated[
        str, Help("of files: folders (sub-folders are classes), or a table FILE.csv or dataset.json; none: no labels")
    ] = ""
    label_columns: Annotated[str, Help("of a table of labels: which columns, if not all: NAME or NAME,NAME")] = ""
    unlabelled: Annotated[Literal["refuse", "leave-out"], Help("pictures without a label where others have one")] = (
        "refuse"
    )
    balance: Annotated[bool, Help("show each class equally often, however many pictures it has")] = False
    split: Annotated[
        str, Help("of a folder with train and val or test: which; train if not stated, all for everything")
    ] = ""
    unreadable: Annotated[float, Ge(0), Le(1), Help("share of the pictures that may be unreadable and left out")] = 0.05
    flip: Annotated[bool, Help("show mirror images too, which doubles the pictures")] = False
    turn: Annotated[bool, Help("show quarter turns of square pictures too, which makes four of each")] = False
    device_memory_gb: Annotated[
        float, Ge(0), Help("pictures in memory are held on the GPU up to this size, else copied at each step")
    ] = 4.0
    memory_gb: Annotated[float, Ge(0), Help("pictures are held in memory up to this size, else re-read")] = 4.0
    cache: Annotated[
        str, Help("a folder where decoded pictures are kept for other runs, by what is in their files; none if empty")
    ] = ""

    def __post_init__(self) -> None:
        for name, value in (("cache", self.cache), ("load_size", self.load_size)):
            if value and self.fit == "part":
                raise ValueError(
                    f"{name} is for pictures that are resized, and fit = 'part' shows parts of them as they are; leave "
                    "one of the two out"
                )
        if self.load_size is None:
            return
        shown, opened = (None if size is None else height_and_width(size) for size in (self.size, self.load_size))
        assert opened is not None
        if shown is None or opened[0] < shown[0] or opened[1] < shown[1]:
            size = "which is not stated" if shown is None else f"which is {size_text(*shown)}"
            raise ValueError(
                f"load_size = {size_text(*opened)}: expected at least size, {size}, as that is cut from it"
            )
        if self.source_size is not None:
            self._scaled_load_size()

    @property
    def makes_partners(self) -> bool:
        """Whether low-quality partners are made of good pictures."""
        return self.degrade not in ("", "none")

    def opened(self) -> DataConfig:
        """The same as a data source is given it: `size` and `source_size` are those that pictures are opened at."""
        if self.load_size is None:
            return self
        source = None if self.source_size is None else self._scaled_load_size()
        return dataclasses.replace(self, size=self.load_size, source_size=source, load_size=None)

    def picture(self, default: Picture, domain: Domain = "real") -> Picture:
        """What a data source makes of its pictures, which are those of `domain`.

        default: what they are like where nobody states it. `source` has a size and channels of its own, or else those
        of what is painted.
        """
        size, channels = self.size, self.channels
        if domain == "source":
            size = size if self.source_size is None else self.source_size
            channels = channels if self.source_channels is None else self.source_channels
        height, width = (default.height, default.width) if size is None else height_and_width(size)
        return Picture(channels=channels or default.channels, height=height, width=width)

    def shown(self, info: DataInfo) -> DataInfo:
        """What the networks see of pictures that were opened as `info` has it: of `load_size`, a part of `size`."""
        if self.load_size is None:
            return info
        shown = {}
        for domain, opened in info.pictures.items():
            size = self.source_size if domain == "source" and self.source_size is not None else self.size
            assert size is not None
            height, width = height_and_width(size)
            shown[domain] = Picture(channels=opened.channels, height=height, width=width)
        return DataInfo(shown, info.condition)

    def _scaled_load_size(self) -> tuple[int, int]:
        """That of the source, whose pictures are so much smaller or larger. Raises ValueError where it is no number."""
        assert self.size is not None and self.source_size is not None and self.load_size is not None
        sides = []
        for size, source, load in zip(
            *map(height_and_width, (self.size, self.source_size, self.load_size)), strict=True
        ):
            if load * source % size:
                raise ValueError(
                    f"load_size = {size_text(*height_and_width(self.load_size))}: the pictures of the source would be "
                    f"{load * source / size:g} pixels, as source_size is {source} where size is {size}; "
                    f"expected a multiple of {size // math.gcd(size, source)}"
                )
            sides.append(load * source // size)
        return sides[0], sides[1]


@dataclass(frozen=True, kw_only=True, slots=True)
class _LatentConfig:
    latent_size: Annotated[int, Ge(1), Help("numbers in a latent vector z")] = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class FromNoiseConfig(_LatentConfig):
    """What every architecture that paints from noise can set; subclass it to add fields or change defaults."""

    ema_half_life_kimg: Annotated[
        Annotated[float, Ge(0)] | Schedule, Help("half-life of the averaged generator; 0: none")
    ] = 10.0
    ema_rampup: Annotated[float, Ge(0), Help("half-life is at most this share of the kimg so far; 0: off")] = 0.05


@dataclass(frozen=True, kw_only=True)
class _GameConfig(_LatentConfig):
    """The settings of a game with a discriminator."""

    __slots__ = ()  # the fields find their room in NoiseToImageConfig

    objective: Annotated[
        Literal["minimax", "non-saturating", "least-squares", "hinge", "wasserstein", "relativistic"],
        Help("adversarial loss"),
    ] = "non-saturating"
    penalty: Annotated[
        Literal["none", "r1", "r2", "r1+r2", "wgan-gp", "wgan-gp-one-sided"],
        Help("gradient penalty on the discriminator"),
    ] = "none"
    penalty_weight: Annotated[
        Annotated[float, Ge(0)] | Schedule, Help("gamma of R1 and R2 (times 1/2), lambda of WGAN-GP")
    ] = 10.0
    penalty_every: Annotated[int, Ge(1), Help("steps between penalties; above 1 it is lazy")] = 1
    drift: Annotated[
        float,
        Ge(0),
        Help("pull of the logits of reals to 0, for wasserstein in long runs; 0.001 is usual; 0: off"),
    ] = 0.0
    critic_steps: Annotated[int, Ge(1), Help("discriminator updates per generator update")] = 1
    optimizer: Annotated[Literal["adam", "rmsprop", "sgd"], Help("of both players; sgd has beta1 as momentum")] = "adam"
    generator_lr: Annotated[Annotated[float, Ge(0)] | Schedule, Help("learning rate of the generator"), MayChange()] = (
        2e-4
    )
    discriminator_lr: Annotated[
        Annotated[float, Ge(0)] | Schedule, Help("learning rate of the discriminator"), MayChange()
    ] = 2e-4
    beta1: Annotated[Annotated[float, Ge(0), Lt(1)] | Schedule, Help("Adam's first beta")] = 0.5
    beta2: Annotated[Annotated[float, Ge(0), Lt(1)] | Schedule, Help("Adam's second beta")] = 0.999
    clip_gradients: Annotated[float, Ge(0), Help("largest norm of a player's gradient; 0: no clipping")] = 0.0
    clip_weights: Annotated[float, Ge(0), Help("largest size of a discriminator's weight, as in WGAN; 0: any")] = 0.0
    spectral_norm: Annotated[bool, Help("divide the discriminator's weights by their largest singular value")] = False
    freeze_discriminator: Annotated[
        int, Ge(0), Help("first layers of the discriminator that do not learn, for fine-tuning")
    ] = 0
    augment: Annotated[
        Literal["none", "diffaugment", "ada"],
        Help("augment what the discriminator sees, for few pictures; ada adapts how much"),
    ] = "none"
    augment_target: Annotated[
        float, Gt(0), Lt(1), Help("ada: mean sign of D on reals that is aimed at; lower augments more")
    ] = 0.6
    augment_kimg: Annotated[
        float, Gt(0), Help("ada: kimg in which the probability can go from 0 to 1; a tenth of a short run")
    ] = 500.0
    augment_colour: Annotated[
        bool, Help("ada: change brightness, contrast and colours too; false where the ground is one shade")
    ] = True


@dataclass(frozen=True, kw_only=True, slots=True)
class NoiseToImageConfig(FromNoiseConfig, _GameConfig):
    """What every game of a generator and a discriminator can set; subclass it to add fields or change defaults.

    The order of fields is that of the bases from the last to the first: the latent, the game, the average.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageToImageConfig:
    """What every image-to-image architecture can set; subclass it to add fields or change defaults."""

    lr: Annotated[Annotated[float, Ge(0)] | Schedule, Help("Adam learning rate"), MayChange()] = 2e-4
    beta1: Annotated[Annotated[float, Ge(0), Lt(1)] | Schedule, Help("Adam's first beta")] = 0.5
    beta2: Annotated[Annotated[float, Ge(0), Lt(1)] | Schedule, Help("Adam's second beta")] = 0.999
    ema_half_life_kimg: Annotated[
        Annotated[float, Ge(0)] | Schedule, Help("half-life of the averaged translators; 0: none")
    ] = 0.0
    ema_rampup: Annotated[float, Ge(0), Help("half-life is at most this share of the kimg so far; 0: off")] = 0.05
