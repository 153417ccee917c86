"""The page of one evaluation: scores with intervals, pictures, neighbours, classes, a walk, the curve of the training.

One document without scripts, whose policy lets nothing in; what comes from a file or a run is text, and escaped.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.data.pictures import grid, side_by_side
from ganzoo.errors import printable
from ganzoo.evaluation.curves import curve
from ganzoo.evaluation.protocol import flattened
from ganzoo.evaluation.result import MARK
from ganzoo.version import __version__

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from ganzoo.evaluation.evaluate import Judged
    from ganzoo.evaluation.picture_set import PictureSet
    from ganzoo.evaluation.reals import SourcePictures
    from ganzoo.evaluation.result import Evaluation
    from ganzoo.evaluation.subject import Subject

_SHOWN, _ROWS, _NEIGHBOURS = 64, 8, 3
_GAP, _GROUND = 2, 128  # pixels between pictures, of this grey
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""What a page may load: nothing but what it holds."""


def page(found: Evaluation, judged: Judged, subject: Subject, reals: SourcePictures | None) -> str:
    """One HTML document. judged: with the features still there."""
    style = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    painted = subject.painted(found.seeds[-1] if found.seeds else 0)
    title = f"{found.subject.get('name', 'pictures')}: scores"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        MARK,
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{text(title)}</title><style>{style}</style></head><body>",
        f"<header><h1>{text(title)}</h1>{_subject(found.subject)}</header><main>",
        *_scores(found),
        *_pictures(painted, reals, getattr(subject, "given", None)),
        *_neighbours(judged, painted, reals),
        *_realism(judged, painted),
        *_classes(found.classes),
        *_walk(subject),
        *_history(subject.history),
        *_protocol(found),
        f'</main><footer class="soft"><p>Made by ganzoo {__version__}. Intervals are of 95%.</p></footer>',
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def text(value: object) -> str:
    """Of a stranger, as text in a page."""
    return escape(printable(str(value)))


def figure(image: Image.Image, caption: str) -> str:
    """A picture inside the page."""
    content = io.BytesIO()
    image.save(content, format="PNG")
    data = base64.b64encode(content.getvalue()).decode()
    return (
        f'<figure><img alt="{text(caption)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{text(caption)}</figcaption></figure>"
    )


def _subject(facts: Mapping[str, Any]) -> str:
    known = {key: facts[key] for key in ("architecture", "distribution", "step", "kimg", "sha256", "formats")
             if facts.get(key) not in ("", None)}  # fmt: skip
    kind = {"run": "A run", "onnx": "An ONNX file", "pictures": "Pictures"}.get(str(facts.get("kind")), "A subject")
    told = ", ".join(f"{key} {value}" for key, value in known.items())
    return f'<p class="soft">{text(kind)}{": " if told else ""}{text(told)}</p>'


def _scores(found: Evaluation) -> Iterator[str]:
    yield '<section><h2>Scores</h2><div class="scroll" tabindex="0"><table><thead><tr><th scope="col">score</th>'
    yield '<th scope="col" class="number">value</th><th scope="col" class="number">95%</th>'
    yield '<th scope="col">better</th><th scope="col">interval of</th></tr></thead><tbody>'
    for record in found.scores.values():
        one = record.estimate
        interval = one.interval() or "not known"
        yield (
            f'<tr><th scope="row">{text(record.title)}</th><td class="number">{one.value:.5g}</td>'
            f'<td class="number">{interval}</td><td>{text(record.better)}</td><td>{text(one.method)}</td></tr>'
        )
    yield "</tbody></table></div>"
    yield from (f"<p>{text(line)}</p>" for line in found.said)
    yield "</section>"


def _pictures(painted: PictureSet, reals: SourcePictures | None, given: PictureSet | None) -> Iterator[str]:
    yield '<section><h2>Painted and real</h2><div class="pictures">'
    if given is not None:
        yield figure(grid(_some(given)), "given, to be translated")
    yield figure(grid(_some(painted)), "painted")
    if reals is not None:
        yield figure(grid(_some(reals)), "real")
    yield "</div></section>"


def _some(pictures: PictureSet) -> NDArray[np.uint8]:
    """Evenly spaced, so that sets in order of their classes show all of them."""
    import numpy as np

    places = np.unique(np.linspace(0, pictures.count - 1, min(_SHOWN, pictures.count)).astype(int))
    return _rows(pictures, places)


def _rows(pictures: PictureSet, places: NDArray[Any]) -> NDArray[np.uint8]:
    import numpy as np

    rows = np.concatenate([pictures.read(int(place), int(place) + 1).pixels for place in places])
    return np.pad(rows, [(0, 0), (0, 0), (0, _GAP), (0, _GAP)], constant_values=_GROUND)


def _neighbours(judged: Judged, painted: PictureSet, reals: SourcePictures | None) -> Iterator[str]:
    """Painted pictures, and beside each the real ones that lie nearest."""
    import numpy as np

    from ganzoo.evaluation.metrics.neighbours import distance_blocks

    if judged.real is None or judged.painted is None or reals is None or judged.real.count <= _NEIGHBOURS:
        return
    _, squares = next(distance_blocks(judged.painted, judged.real))
    places = np.arange(min(_ROWS, len(squares)))
    nearest = np.argsort(squares[places], axis=1)[:, :_NEIGHBOURS]
    columns = [_rows(painted, places), *(_rows(reals, nearest[:, column]) for column in range(_NEIGHBOURS))]
    apart = np.full_like(columns[0][..., :4], 255)
    columns = [columns[0], apart, *columns[1:], apart, apart]
    yield '<section><h2>Nearest real pictures</h2><p class="soft">In each group of four the first was painted; behind '
    yield "it are the real pictures that lie nearest in the features. The same twice in a group would be a copy.</p>"
    caption = "a painted picture and its three nearest real ones"
    yield f'<div class="pictures">{figure(grid(side_by_side(*columns), columns=2), caption)}</div>'
    yield "</section>"


def _realism(judged: Judged, painted: PictureSet) -> Iterator[str]:
    import numpy as np

    from ganzoo.evaluation.metrics.realism import realism

    if judged.real is None or judged.painted is None or judged.real.count < 2:
        return
    order = np.argsort(-realism(judged.real, judged.painted), kind="stable")
    count = min(2 * _ROWS, len(order))
    yield '<section><h2>Most and least real</h2><p class="soft">By the realism score: how far inside the real '
    yield 'pictures it lies.</p><div class="pictures">'
    yield figure(grid(_rows(painted, order[:count]), columns=_ROWS), "the most real")
    yield figure(grid(_rows(painted, order[-count:][::-1]), columns=_ROWS), "the least real")
    yield "</div></section>"


def _classes(classes: Mapping[str, float]) -> Iterator[str]:
    if not classes:
        return
    yield '<section><h2>Classes</h2><div class="scroll" tabindex="0"><table><thead><tr><th scope="col">class</th>'
    yield '<th scope="col" class="number">Frechet distance within it</th></tr></thead><tbody>'
    for name, value in sorted(classes.items(), key=lambda item: -item[1]):
        yield f'<tr><th scope="row">{text(name)}</th><td class="number">{value:.5g}</td></tr>'
    yield "</tbody></table></div></section>"


def _walk(subject: Subject) -> Iterator[str]:
    steps = subject.walk()
    if steps is None:
        return
    yield '<section><h2>A walk</h2><p class="soft">Through the latents, from picture to picture.</p>'
    yield f"{figure(grid(steps, columns=16), 'a walk through four latents and back')}</section>"


def _history(history: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each score of the training over kimg."""
    names = sorted({name for line in history for name in line if name.startswith("score.")})
    drawn = []
    for name in names:
        points = [(line["kimg"], line[name]) for line in history if name in line and "kimg" in line]
        if svg := curve(points, across="kimg", up=name.removeprefix("score.")):
            drawn.append(f"<figure>{svg}<figcaption>{text(name)}</figcaption></figure>")
    if drawn:
        yield f'<section><h2>During the training</h2><div class="pictures">{"".join(drawn)}</div></section>'


def _protocol(found: Evaluation) -> Iterator[str]:
    yield '<section><h2>Protocol</h2><p class="soft">What makes the scores comparable. Compare two with '
    yield '<code>ganzoo evaluate --compare A.json B.json</code>.</p><div class="scroll" tabindex="0"><table><tbody>'
    facts = {
        **flattened(found.protocol),
        "preset": found.preset,
        "seeds": ", ".join(map(str, found.seeds)) or "none",
        **{
            f"each repetition of {key}": ", ".join(f"{value:.5g}" for value in one.repeats)
            for key, one in found.scores.items()
            if one.repeats
        },
        **{f"version of {key}": value for key, value in found.versions.items()},
        **found.computed,
    }
    for key, value in facts.items():
        if value in ("", None, {}, []):
            continue
        yield f'<tr><th scope="row">{text(key)}</th><td class="wide">{text(value)}</td></tr>'
    yield "</tbody></table></div></section>"
