"""The page that judges open: one HTML document, from the file system or from the loopback address.

It shows pictures under names that mean nothing and holds nothing of what is true. Its policy lets nothing in, and out
only where the page is served, to where it came from.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from html import escape
from pathlib import Path

from ganzoo.data.pictures import grid
from ganzoo.evaluation.people.trial import Trial

_HERE = Path(__file__).parent
_TASKS = {
    "real": "You will see pictures, one after the other. Say of each whether it is real or was painted by a machine.",
    "better": "You will see two pictures at a time. Say which of them looks better.",
    "match": "You will see a picture, and below two that were made of it. Say which of them matches it better.",
}


def trial_page(trial: Trial, *, post: bool) -> str:
    """post: answers are sent to where the page came from, too."""
    style, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("trial.css", "trial.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    connect = "connect-src 'self'; " if post else ""
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'; {connect}"
        "base-uri 'none'; form-action 'none'"
    )
    shown = {
        "trial": trial.name,
        "ask": trial.ask,
        "seconds": trial.seconds,
        "post": post,
        "questions": [{"name": one.name, "shown": list(one.shown), "source": one.source} for one in trial.questions],
        "pictures": {name: _encoded(pixels) for name, pixels in sorted(trial.pictures.items())},
    }
    data = json.dumps(shown, separators=(",", ":")).replace("<", "\\u003c")
    times = "a second" if trial.seconds == 1 else f"{trial.seconds:g} seconds"
    limit = f" Each is shown for {times}; you may answer later." if trial.seconds else ""
    none = "" if trial.ask == "real" else " and <kbd>&darr;</kbd> for no difference"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Which pictures?</title><style>{style}</style></head><body>
<main id="intro" class="text"><div><h1>{len(trial.questions)} questions about pictures</h1>
<p>{_TASKS[trial.ask]}{limit}</p>
<p>Use the arrow keys <kbd>&larr;</kbd> <kbd>&rarr;</kbd>{none}, or touch the buttons. You can close the page and go on
later in this browser, under the same name.</p>
<form id="start"><label>Your name or number<input id="judge" autocomplete="off" required maxlength="60"></label>
<button class="start">Begin</button></form></div></main>
<main id="task" hidden><header><strong id="question"></strong><progress id="progress" value="0"></progress>
<span id="count" aria-live="polite"></span></header><div id="source" hidden></div><div id="stage"></div>
<div class="answers"><button id="left"><kbd>&larr;</kbd> <span></span></button>
<button id="none"><kbd>&darr;</kbd> <span></span></button>
<button id="right"><kbd>&rarr;</kbd> <span></span></button></div></main>
<main id="end" class="text" hidden><div><h1>Thank you</h1><p id="sent"></p>
<button id="save">Save the answers</button><p id="tosend">Send the file to whoever asked you.</p></div></main>
<script type="application/json" id="trial">{data}</script><script>{script}</script></body></html>
"""


def _encoded(pixels: object) -> str:
    content = io.BytesIO()
    grid(pixels[None]).save(content, format="PNG")  # type: ignore[index]
    return base64.b64encode(content.getvalue()).decode()
