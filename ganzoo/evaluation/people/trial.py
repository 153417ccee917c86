"""A trial: which pictures are shown, in which questions, and what is true; the last stays out of the page.

    TRIAL/trial.html   what judges open: pictures under names that mean nothing
    TRIAL/key.json     what is true, for whoever reads the answers
    TRIAL/answers/     where `--serve` puts them

Questions are balanced over what is compared and drawn by the trial's seed; each judge has an order of their own.
Catch trials have an answer that everybody sees: a picture whose pixels were shuffled.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from ganzoo.errors import RequestError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ganzoo.evaluation.picture_set import PictureSet

Ask = Literal["real", "better", "match"]
ASKS: tuple[Ask, ...] = get_args(Ask)
FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """shown: pictures by id; of `real` one, else two. source: of `match`. makers: of the shown, by name; "" is the real
    one. catch: the id that everybody chooses, or `painted`; "" where it is none."""

    name: str
    shown: tuple[str, ...]
    makers: tuple[str, ...]
    source: str = ""
    catch: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """ask: what is asked. seconds: how long pictures are shown; 0: until the answer. makers: of the pictures."""

    name: str
    ask: Ask
    seconds: float
    seed: int
    makers: tuple[str, ...]
    questions: tuple[Question, ...]
    pictures: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)

    def key(self) -> dict[str, Any]:
        """What is true, as JSON."""
        return {
            "kind": "ganzoo trial",
            "format": FORMAT,
            "trial": self.name,
            "ask": self.ask,
            "seconds": self.seconds,
            "seed": self.seed,
            "makers": list(self.makers),
            "questions": [
                {
                    "name": one.name,
                    "shown": list(one.shown),
                    "makers": list(one.makers),
                    "source": one.source,
                    "catch": one.catch,
                }
                for one in self.questions
            ],
        }


class _Draw:
    """Pictures that one seed draws, under names that a secret makes: who knows the page and the seed knows nothing."""

    def __init__(self, seed: int, secret: str) -> None:
        import numpy as np

        self.random = np.random.RandomState(seed % 2**32)
        self.pictures: dict[str, NDArray[np.uint8]] = {}
        self._secret = secret

    def add(self, pixels: NDArray[np.uint8]) -> str:
        """A picture (C, H, W)."""
        name = hashlib.sha256(f"{self._secret}/{len(self.pictures)}".encode()).hexdigest()[:12]
        self.pictures[name] = pixels
        return name

    def shuffled(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The same colours at other places: noise to anybody."""
        channels = pixels.shape[0]
        flat = pixels.reshape(channels, -1)
        return flat[:, self.random.permutation(flat.shape[1])].reshape(pixels.shape)

    def some(self, pictures: PictureSet, count: int) -> list[NDArray[np.uint8]]:
        """Different ones, in a random order."""
        if count > pictures.count:
            raise RequestError(f"{count} pictures are wanted for the trial, and there are {pictures.count}.")
        places = self.random.permutation(pictures.count)[:count]
        return [pictures.read(int(place), int(place) + 1).pixels[0] for place in places]


def make_trial(
    ask: Ask,
    painted: Mapping[str, PictureSet],
    reals: PictureSet | None,
    *,
    sources: PictureSet | None = None,
    questions: int,
    catch: int,
    seconds: float,
    seed: int,
    secret: str = "",
) -> Trial:
    """painted: by maker. reals: of `real`. sources: of `match`, in the order of the painted. secret: what names follow
    from, a new one if empty; it is kept nowhere.

    Raises RequestError for too few makers, pictures or questions.
    """
    if ask not in ASKS:
        raise RequestError(f"ask = {ask!r}: expected {', '.join(ASKS)}.")
    least = 1 if ask == "real" else 2
    if len(painted) < least:
        raise RequestError(f"--ask {ask} wants {least} or more to be judged; {len(painted)} is named.")
    if questions < 2 * len(painted):
        raise RequestError(f"{questions} questions are too few for {len(painted)} to be judged.")
    draw = _Draw(seed, secret or secrets.token_hex(16))
    _check_alike(painted, reals if ask == "real" else None)
    made = {"real": _real, "better": _better, "match": _match}[ask](draw, painted, reals, sources, questions, catch)
    order = draw.random.permutation(len(made))
    named = tuple(_named(f"q{place}", made[index]) for place, index in enumerate(order))
    content = hashlib.sha256(repr((ask, [one.shown for one in named], sorted(painted))).encode())
    for name in sorted(draw.pictures):
        content.update(draw.pictures[name].tobytes())
    return Trial(
        name=content.hexdigest()[:12], ask=ask, seconds=seconds, seed=seed, makers=tuple(painted), questions=named,
        pictures=draw.pictures,
    )  # fmt: skip


def _named(name: str, one: Question) -> Question:
    """With its pictures in the order of their names, which says nothing of who made them."""
    order = sorted(range(len(one.shown)), key=lambda place: one.shown[place])
    return Question(
        name=name, shown=tuple(one.shown[place] for place in order), makers=tuple(one.makers[place] for place in order),
        source=one.source, catch=one.catch,
    )  # fmt: skip


def _check_alike(painted: Mapping[str, PictureSet], reals: PictureSet | None) -> None:
    """Raises RequestError for pictures whose shape alone would tell them apart."""
    sets = {**painted, **({} if reals is None else {"the real ones": reals})}
    shapes = {name: pictures.read(0, 1).pixels.shape[1:] for name, pictures in sets.items()}
    if len(set(shapes.values())) > 1:
        told = ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in shapes.items())
        raise RequestError(f"The pictures are of several shapes, which would tell them apart: {told}.")


def _real(
    draw: _Draw, painted: Mapping[str, PictureSet], reals: PictureSet | None, sources: object, count: int, catch: int
) -> list[Question]:
    """Half real, half painted, the latter in equal parts."""
    if reals is None:
        raise RequestError("--ask real shows real pictures too.", hint="--data SOURCE")
    made = [
        Question(name="", shown=(draw.add(pixels),), makers=("",)) for pixels in draw.some(reals, count - count // 2)
    ]
    for maker, number in zip(painted, _shares(count // 2, len(painted)), strict=True):
        pictures = draw.some(painted[maker], number)
        made += [Question(name="", shown=(draw.add(pixels),), makers=(maker,)) for pixels in pictures]
    for pixels in draw.some(reals, catch):
        made.append(Question(name="", shown=(draw.add(draw.shuffled(pixels)),), makers=("",), catch="painted"))
    return made


def _better(
    draw: _Draw, painted: Mapping[str, PictureSet], reals: object, sources: object, count: int, catch: int
) -> list[Question]:
    """Each two makers equally often."""
    names = list(painted)
    couples = [(one, other) for place, one in enumerate(names) for other in names[place + 1 :]]
    pools = {name: iter(draw.some(painted[name], min(painted[name].count, count + catch))) for name in names}
    made = []
    for couple, number in zip(couples, _shares(count, len(couples)), strict=True):
        for _ in range(number):
            shown = tuple(draw.add(_next(pools[name], name)) for name in couple)
            made.append(Question(name="", shown=shown, makers=couple))
    for index in range(catch):
        name = names[index % len(names)]
        pixels = _next(pools[name], name)
        good = draw.add(pixels)
        made.append(Question(name="", shown=(good, draw.add(draw.shuffled(pixels))), makers=(name, name), catch=good))
    return made


def _match(
    draw: _Draw, painted: Mapping[str, PictureSet], reals: object, sources: PictureSet | None, count: int, catch: int
) -> list[Question]:
    """The source, and what two makers made of it."""
    if sources is None:
        raise RequestError("--ask match is of translators, which are given a source.")
    names = list(painted)
    couples = [(one, other) for place, one in enumerate(names) for other in names[place + 1 :]]
    available = min(sources.count, *(one.count for one in painted.values()))
    if count + catch > available:
        raise RequestError(f"{count + catch} sources are wanted for the trial, and there are {available}.")
    places = iter(draw.random.permutation(available))

    def at(pictures: PictureSet, place: int) -> NDArray[np.uint8]:
        pixels: NDArray[np.uint8] = pictures.read(place, place + 1).pixels[0]
        return pixels

    made = []
    for couple, number in zip(couples, _shares(count, len(couples)), strict=True):
        for _ in range(number):
            place = int(next(places))
            shown = tuple(draw.add(at(painted[name], place)) for name in couple)
            made.append(Question(name="", shown=shown, makers=couple, source=draw.add(at(sources, place))))
    for index in range(catch):
        place, name = int(next(places)), names[index % len(names)]
        pixels = at(painted[name], place)
        good = draw.add(pixels)
        made.append(
            Question(
                name="", shown=(good, draw.add(draw.shuffled(pixels))), makers=(name, name),
                source=draw.add(at(sources, place)), catch=good,
            )
        )  # fmt: skip
    return made


def _next(pool: Any, name: str) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] | None = next(pool, None)
    if pixels is None:
        raise RequestError(f"There are too few pictures of {name} for so many questions.", hint="Fewer: --questions")
    return pixels


def _shares(count: int, parts: int) -> Sequence[int]:
    """As even as they can be."""
    return [count * (part + 1) // parts - count * part // parts for part in range(parts)]
