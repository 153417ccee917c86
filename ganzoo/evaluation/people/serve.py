"""A trial's page on the loopback address, which keeps the answers that it sends. Nobody elsewhere can reach it."""

from __future__ import annotations

import contextlib
import http.server
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ganzoo.errors import RequestError, one_line, printable
from ganzoo.evaluation.people.answers import TrialKey, parse_answers
from ganzoo.files import write_bytes

_MOST_BYTES = 4 * 2**20
_MOST_JUDGES = 1000
_PATIENCE_SECONDS = 30
_PLAIN = re.compile(r"[^A-Za-z0-9_-]+")


@contextlib.contextmanager
def serving(
    page: str, key: TrialKey, folder: Path, *, port: int = 0, say: Callable[[str], None]
) -> Iterator[http.server.ThreadingHTTPServer]:
    """A server, which works while `serve_forever` runs. folder: where answers go, `answers-JUDGE.json`.

    say: told of each judge. Raises RequestError for a port that is taken.
    """
    content = page.encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = _PATIENCE_SECONDS

        def do_GET(self) -> None:
            if self._is_local() and self.path in ("/", "/trial.html"):
                self._reply(200, content, "text/html; charset=utf-8")
            else:
                self._reply(404, b"there is only the trial here\n")

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not self._is_local() or self.path != "/answers":
                self._reply(404, b"there is only the trial here\n")
            elif (
                not length.isascii() or not length.isdecimal() or len(length) > 9 or not 0 < int(length) <= _MOST_BYTES
            ):
                self._reply(413, b"too large\n")
            else:
                self._reply(*_keep(self.rfile.read(int(length)), key, folder, say))

        def _is_local(self) -> bool:
            """Whether it was asked for by this name: another site's page cannot send answers, nor read the trial."""
            host = self.headers.get("Host", "").rpartition(":")[0]
            origin = self.headers.get("Origin")
            return host in ("127.0.0.1", "localhost") and origin in (None, f"http://{self.headers.get('Host')}")

        def _reply(self, status: int, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Content-Type-Options", "nosniff")
            with contextlib.suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            """Nothing on the terminal but what `say` is told."""

    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise RequestError(f"Port {port} cannot be served: {one_line(error)}", hint="Choose another --port.") from None
    with server:
        yield server


def _keep(content: bytes, key: TrialKey, folder: Path, say: Callable[[str], None]) -> tuple[int, bytes]:
    """Write answers that can be counted, never over others. Returns a status and what to say."""
    try:
        found = parse_answers(content.decode(), key)
        stem = f"answers-{_PLAIN.sub('_', found.judge)[:60] or 'judge'}"
        place = folder / f"{stem}.json"
        if place.exists():
            if place.read_bytes() == content:  # the page was opened again
                return 200, b"received\n"
            say(f"warning: {printable(found.judge)} has answered before; the second answers were refused")
            return 409, b"a judge of that name has answered\n"
        if len(list(folder.glob("*.json"))) >= _MOST_JUDGES:
            return 507, b"there are too many\n"
        folder.mkdir(exist_ok=True)
        write_bytes(place, content)
    except ValueError as error:
        say(f"warning: answers were refused: {one_line(error)}")
        return 400, b"they cannot be counted\n"
    except OSError as error:
        say(f"warning: answers cannot be written: {one_line(error)}")
        return 500, b"they cannot be written\n"
    say(f"answers of {printable(found.judge)}: {place}")
    return 200, b"received\n"
