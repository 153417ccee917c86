"""Films: pictures one after the other into a file, none held longer than it takes to encode it.

    .mp4   AV1 by SVT-AV1; H.264 by x264 where it is asked for (x264 is GPL software)
    .webm  VP9 by libvpx; AV1 where it is asked for
    .webp  by Pillow, endlessly; .gif and .png too, whose frames are held until the last

Shapes: a frame is (H, W, C) uint8 with 1 or 3 channels.
"""

from __future__ import annotations

import fractions
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo import files
from ganzoo.errors import RequestError, missing_package, one_line
from ganzoo.sampling.names import check_place

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

FPS = 24.0

CODECS: dict[str, dict[str, str]] = {
    ".mp4": {"av1": "libsvtav1", "x264": "libx264"},
    ".webm": {"vp9": "libvpx-vp9", "av1": "libsvtav1"},
}
"""Of each kind of film the codecs by name, the usual one first, and what PyAV calls them."""

ANIMATIONS = {".webp": "WEBP", ".gif": "GIF", ".png": "PNG"}

_OPTIONS: dict[str, dict[str, str]] = {
    # crf: the quality, lower is better; the presets are the fastest that do not show.
    "libsvtav1": {"crf": "28", "preset": "10"},
    "libvpx-vp9": {"crf": "28", "b": "0", "deadline": "realtime", "cpu-used": "7", "row-mt": "1", "tile-columns": "2"},
    "libx264": {"crf": "18", "preset": "fast"},
}
_WEBP = {"quality": 80, "method": 0}
_GIF_FPS = 50
_LEAST_SIDE = 64  # what SVT-AV1 takes; a smaller picture is enlarged pixel by pixel


def is_film(path: Path) -> bool:
    """Whether the name ends like a film."""
    return path.suffix.lower() in CODECS


def check_film_name(path: Path, codec: str | None = None) -> None:
    """Raises RequestError for a name that ends like nothing that moves, or a codec that does not go with it."""
    suffix = path.suffix.lower()
    if suffix not in CODECS and suffix not in ANIMATIONS:
        raise RequestError(
            f"{path.name} does not end like a picture that moves.",
            hint=f"For example walk.mp4; one of {', '.join([*CODECS, *ANIMATIONS])}.",
        )
    if codec is not None and codec not in CODECS.get(suffix, {}):
        able = ", ".join(CODECS.get(suffix, {})) or "none"
        raise RequestError(f"The codec {codec!r} does not go with {suffix}; these do: {able}.")


def write_film(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    *,
    count: int | None = None,
    fps: float = FPS,
    codec: str | None = None,
) -> int:
    """Write frames of one size as they come, and say how many. codec: by name; the usual one if None.

    count: how many there are; where it is not known, the frames of a WebP are held until the last.

    Raises RequestError for a name, codec or place that will not do, and MissingPackageError where PyAV is wanted and
    not installed.
    """
    check_film_name(path, codec)
    if isinstance(fps, str | bool) or not 0.01 <= fps <= 1000:
        raise RequestError(f"fps = {fps!r}: expected pictures per second, 0.01 to 1000.")
    if path.suffix.lower() == ".gif" and fps > _GIF_FPS:
        raise RequestError(
            f"A GIF has at most {_GIF_FPS} pictures a second, not {fps:g}.", hint="Write a .webp or .mp4."
        )
    if is_film(path):
        try:
            import av  # noqa: F401  # before any picture is painted
        except ModuleNotFoundError as error:
            raise (missing_package(error) or error) from None
    _check_place(path)
    counted = _Counted(frames)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.written_beside(path) as partial:
            if is_film(path):
                _encode(partial, counted, fps, _codec(path, codec))
            else:
                _animate(partial, counted, fps, count)
            if not counted.count:
                raise RequestError("There are no pictures to show.")
    except OSError as error:
        raise RequestError(f"{path} cannot be written: {one_line(error)}") from None
    return counted.count


def _check_place(path: Path) -> None:
    """Raises RequestError for a file that is there and is neither film nor picture."""
    if not is_film(path):
        check_place(path)
    elif path.is_file() and path.stat().st_size:
        with files.open_regular(path) as file:
            first = file.read(8)
        if first[4:] != b"ftyp" and not first.startswith(b"\x1aE\xdf\xa3"):
            raise RequestError(f"{path} is there, and is no film.", hint="Choose another -o, or remove it.")


class _Counted:
    def __init__(self, frames: Iterable[NDArray[np.uint8]]) -> None:
        self._frames = frames
        self.count = 0

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        for frame in self._frames:
            self.count += 1
            yield frame


def _codec(path: Path, name: str | None) -> str:
    known = CODECS[path.suffix.lower()]
    return known[name] if name is not None else next(iter(known.values()))


def _encode(path: Path, frames: Iterable[NDArray[np.uint8]], fps: float, codec: str) -> None:
    import av
    import numpy as np

    options = dict(_OPTIONS[codec])
    if codec == "libvpx-vp9":
        options["threads"] = str(min(16, os.cpu_count() or 1))
    _quiet()
    with av.open(str(path), "w", format=path.suffix[1:]) as container:
        stream: Any = None
        for frame in frames:
            pixels = _even(np.repeat(frame, 3, 2) if frame.shape[2] == 1 else frame)
            if stream is None:
                stream = container.add_stream(codec, rate=fractions.Fraction(fps).limit_denominator(1001))
                stream.height, stream.width = pixels.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.options = options
                stream.codec_context.thread_type = "AUTO"
                # What players take a picture for that says nothing: BT.709 of a limited range.
                stream.codec_context.color_primaries = stream.codec_context.colorspace = 1
                stream.codec_context.color_trc, stream.codec_context.color_range = 1, 1
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            picture = picture.reformat(
                format="yuv420p", dst_colorspace=av.video.reformatter.Colorspace.ITU709, src_color_range=2,
                dst_color_range=1,
            )  # fmt: skip
            container.mux(stream.encode(picture))
        if stream is not None:
            container.mux(stream.encode(None))


def _quiet() -> None:
    """SVT-AV1 tells its settings on stderr, line by line."""
    os.environ.setdefault("SVT_LOG", "1")  # errors alone


def _even(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Sides that are even, as films have them, and large enough: pixel by pixel, so that nothing is blurred."""
    import numpy as np

    times = -(-_LEAST_SIDE // min(pixels.shape[:2]))
    if times > 1:
        pixels = pixels.repeat(times, 0).repeat(times, 1)
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return pixels


def _animate(path: Path, frames: Iterable[NDArray[np.uint8]], fps: float, count: int | None) -> None:
    from PIL import Image

    images = (Image.fromarray(frame if frame.shape[2] == 3 else frame[:, :, 0]) for frame in frames)
    first = next(images, None)
    if first is None:
        return
    kind = ANIMATIONS[path.suffix.lower()]
    options: dict[str, Any] = _WEBP if kind == "WEBP" else {}
    if kind == "WEBP" and count is not None and count > 1:
        first, others = _one_after_the_other(first, images, count), []
    else:
        others = list(images)  # Pillow would hold them too, or look at them twice
    duration: Any = 1000 / fps
    if kind == "GIF":  # in hundredths of a second, which shall not add up to another length
        duration = [10 * (round((n + 1) * 100 / fps) - round(n * 100 / fps)) for n in range(1 + len(others))]
    first.save(path, format=kind, save_all=True, append_images=others, duration=duration, loop=0, **options)


def _one_after_the_other(first: Image.Image, images: Iterator[Image.Image], count: int) -> Image.Image:
    """A picture of many frames, of which Pillow asks one after the other; each is made when it is asked for."""
    from PIL import Image as Pillow

    class Frames(Pillow.Image):
        n_frames = count

        def seek(self, frame: int) -> None:
            if frame > self._at:
                self._at = frame
                self.im = next(images).im

        def tell(self) -> int:
            return self._at

        _at = 0

    sequence = Frames()
    sequence._mode, sequence._size, sequence.im = first.mode, first.size, first.im
    return sequence
