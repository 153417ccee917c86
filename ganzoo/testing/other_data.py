"""Data that an architecture was not made for: it learns from them, or says in a sentence that it does not."""

from __future__ import annotations

from ganzoo.architecture import Architecture, Phase, Step
from ganzoo.architecture.declarations import contradictions
from ganzoo.architecture.evaluation import evaluation_copy
from ganzoo.errors import RequestError, one_line
from ganzoo.tensors import Condition, DataInfo, Picture
from ganzoo.testing.subject import Subject
from ganzoo.training.ema import averaged_state
from ganzoo.training.engine import Engine

_CLASSES, _NUMBERS = 3, 7


def other_data(subject: Subject) -> dict[str, DataInfo]:
    """By name, for a message."""
    data = subject.data
    plain = DataInfo(data.pictures)
    classes = DataInfo(data.pictures, Condition(kind="class", size=_CLASSES, names=("a", "b", "c")))
    vector = DataInfo(data.pictures, Condition(kind="vector", size=_NUMBERS, low=0.0, high=1.0))
    found = {
        "pictures without labels": plain,
        f"pictures of {_CLASSES} classes": classes,
        f"pictures with a vector of {_NUMBERS} numbers": vector,
    }
    wide = {domain: _changed(picture, width=2 * picture.width) for domain, picture in data.pictures.items()}
    found["pictures that are twice as wide"] = DataInfo(wide, data.condition)
    grey = {domain: _changed(picture, channels=4 - picture.channels) for domain, picture in data.pictures.items()}
    found["grey pictures" if data.pictures[next(iter(grey))].channels == 3 else "coloured pictures"] = DataInfo(
        grey, data.condition
    )
    if "source" in data.pictures:
        source = data.pictures["source"]
        for name, changed in (
            ("a source of other channels", _changed(source, channels=4 - source.channels)),
            ("a source twice as large", _changed(source, height=2 * source.height, width=2 * source.width)),
        ):
            found[name] = DataInfo({**data.pictures, "source": changed}, data.condition)
    return found


def try_data(subject: Subject, name: str, data: DataInfo) -> str:
    """What goes wrong with them, and what to change; "" when a step is made or they are refused in a sentence."""
    other = Subject(subject.offer, data=data)
    try:
        engine = other.engine()
        if not _has_condition(engine.architecture):
            return f"{name}: it wants the condition {engine.architecture.condition!r} and was built without."
        other.train(engine, range(2))
        twin = evaluation_copy(engine.architecture, averaged_state(engine.average))
        wrong = [str(item) for item in contradictions(twin) if item.kind not in ("unsaid", "role", "graphs")]
    except RequestError as error:
        return "" if error.message else f"{name}: it is refused without a word."
    except Exception as error:
        return f"{name}: {one_line(error)}. {_REMEDY}"
    return f"{name}: {wrong[0]} {_REMEDY}" if wrong else ""


_REMEDY = (
    "Take sizes from self.data (`picture`, `height`, `width`, `channels`, `pictures[...]`, `condition`), name what it "
    "can in `sizes`, or raise RequestError in build()."
)


def own_losses(subject: Subject, engine: Engine, phase: Phase) -> tuple[list[float], list[float]]:
    """The terms of a phase of one step for two batches of its own."""
    numbers = [phase.offset, phase.offset + phase.every]
    own = [reals.own[phase.name] for _, reals in subject.reals(engine, numbers)]
    terms = []
    for batch in own:
        step = Step(seed=0, number=phase.offset, batch_size=engine.batch_size, device=engine.device)
        with step.scope(phase.name, apart=True):
            terms.append([float(value.detach()) for value in phase.loss(batch, step).terms.values()])
    return terms[0], terms[1]


def _has_condition(architecture: Architecture) -> bool:
    found = architecture.data.condition
    wanted = architecture.painted_from()
    return wanted == "none" or (found is not None and found.kind == wanted)


def _changed(picture: Picture, **sizes: int) -> Picture:
    return Picture(**{"channels": picture.channels, "height": picture.height, "width": picture.width, **sizes})
