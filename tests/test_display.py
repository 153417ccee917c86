"""What a training shows: the panel as text, the log, the page, and a real terminal."""

import dataclasses
import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers import assert_clean, ganzoo, ganzoo_here

import ganzoo as gz
from ganzoo.progress import LOG_WIDTH, Progress, folded
from ganzoo.runs.panel import panel, sparkline
from ganzoo.runs.status import RunStatus, read_status

HERE = Path(__file__).parent
TINY = {"preset": "tiny", "data": "digits"}


class Quiet:
    def update(self, progress): ...

    def say(self, text): ...


def status(**changes):
    """Of a training in the middle."""
    scores = {"score.frechet": [(kimg, value) for kimg, value in zip(range(50, 450, 50), (9, 7, 6, 5, 4.1, 4, 4.4, 3.9),
                                                                    strict=True)]}  # fmt: skip
    known = RunStatus(
        path=Path("runs/photos"),
        architecture="stylegan2",
        stage="scoring 1,000 pictures",
        steps=12_345,
        target_steps=50_000,
        kimg=790.08,
        target_kimg=3200.0,
        images_per_second=1234.5,
        seconds=3723.0,
        seconds_left=11_230.0,
        losses={
            "discriminator.adversarial": 1.2034,
            "discriminator.real": 0.1,
            "discriminator.fake": -0.2,
            "generator.adversarial": 0.8123,
            "path length.penalty": 0.021,
        },
        augmentation={"sign": 0.31, "augment": 0.12},
        scores=scores,
        samples=Path("runs/photos/samples/step-00012000.png"),
    )
    return dataclasses.replace(known, **changes)


CASES = {
    "whole": {},
    "first second": {
        "steps": 0, "target_steps": 0, "target_kimg": 0.0, "losses": {}, "scores": {}, "augmentation": {},
        "samples": None,
        "images_per_second": None, "seconds": 0.0, "seconds_left": None, "stage": "reading 12,345 of 50,000 pictures",
    },
    "long names": {
        "path": Path("/very/long/path" * 9, "photos"), "samples": Path("/very/long/path" * 9, "step-1.png"),
        "stage": "compiling the networks " * 9, "losses": {f"player{n}.a_loss_of_some_kind": n / 7 for n in range(30)},
    },
    "slow and hostile": {
        "images_per_second": 0.123, "seconds_left": 9e6, "architecture": "x\x1b[31m\n", "stage": "\x1b]0;title\x07",
        "scores": {"score.fid": [(1, 300.0)]},
    },
}  # fmt: skip


def fixtures():
    """Every case at three widths, as the fixture has it."""
    parts = []
    for name, changes in CASES.items():
        for width in (80, 100, 120):
            lines = panel(status(**changes), width)
            parts.append("\n".join([f"=== {name}, {width} columns", *lines]))
        parts.append("\n".join([f"=== {name}, 80 columns of ASCII", *panel(status(**changes), 80, unicode=False)]))
    return "\n\n".join(parts) + "\n"


def test_the_panel_is_as_it_was():
    path = HERE / "baselines" / "panel.txt"
    if os.environ.get("GANZOO_WRITE_BASELINES"):
        path.write_text(fixtures(), encoding="utf-8")
    assert fixtures() == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [40, 57, 80, 100, 120, 200])
@pytest.mark.parametrize("name", list(CASES))
def test_no_line_is_wider_than_the_terminal(name, width):
    for unicode in (True, False):
        lines = panel(status(**CASES[name]), width, unicode=unicode)
        assert max(map(len, lines)) <= width and len(lines) <= 9
        assert all(line.isprintable() for line in lines)
        assert unicode or all(line.isascii() for line in lines)


def test_a_score_has_a_trend_that_knows_what_is_better():
    rising = {"score.psnr": [(1, 20.0), (2, 22.0)]}
    for scores, better, word in (
        (rising, "higher", "improving"),
        (rising, "lower", "worsening"),
        ({"s.x": [(1, 5.0), (2, 5.0)]}, "lower", "level"),
    ):  # fmt: skip
        assert any(word in line for line in panel(status(scores=scores, better=better), 80))
    assert sparkline([1, 2, 3, 8]) == "▁▂▃█" and sparkline([5, 5]) == "▁▁"


def test_a_status_grows_with_the_metrics():
    one = RunStatus(path=Path("x")).after(
        {"step": 10, "kimg": 0.5, "score.frechet": 3.0, "g.adversarial": 1.0}, target=40
    )
    two = one.after({"step": 20, "kimg": 1.0, "score.frechet": 2.0, "g.adversarial": 0.5, "odd": float("nan")})
    assert two.kimg == 1.0 and two.target_kimg == 2.0 and two.best == (1.0, 2.0)
    assert two.losses == {"g.adversarial": 0.5} and len(one.scores["score.frechet"]) == 1


def test_lines_of_a_log_are_bounded_and_commands_stay_whole():
    values = {"kimg": 1.0, "images_per_second": 2.0, **{f"player{n}.a_long_name_of_a_loss": n for n in range(40)}}
    for width in (60, LOG_WIDTH):
        assert 40 < len(Progress(done=1, total=2, unit="steps", seconds_left=3, values=values).line(width)) <= width
    text = "words " * 60 + "To go on: ganzoo train --resume " + "x" * 300
    lines = folded(text)
    assert lines[-1] == "ganzoo train --resume " + "x" * 300
    assert all(len(line) <= LOG_WIDTH for line in lines[:-1])
    assert folded("a\n\nb") == ["a", "", "b"]


def test_no_line_of_a_plain_log_is_longer_than_160(tmp_path):
    run = tmp_path / "run"
    done = ganzoo("train", "stylegan2", "--preset", "tiny", "--data", "digits", "--out", run, "--steps", 8,
                  "--set", "train.log_every_steps=1", "--set", "augment=ada")  # fmt: skip
    assert_clean(done, status=0)
    lines = done.stderr.splitlines()
    assert max(map(len, lines)) <= 160 and sum(line.startswith("step ") for line in lines) == 8
    kept = (run / "log.txt").read_text(encoding="utf-8").splitlines()
    assert max(map(len, kept)) <= 160
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ", line) for line in kept)
    assert sum("  step " in line for line in kept) == 8
    before = len(kept)
    assert_clean(ganzoo("train", "--resume", run, "--steps", 9), status=0)
    assert len((run / "log.txt").read_text(encoding="utf-8").splitlines()) > before


def test_on_a_terminal_of_80_columns_there_is_a_panel_from_the_beginning(tmp_path):
    """A real one, whose screen is read back."""
    pyte = pytest.importorskip("pyte")
    screen = pyte.Screen(80, 24)
    stream = pyte.ByteStream(screen)
    command = [sys.executable, "-m", "ganzoo", "train", "dcgan", "--preset", "tiny", "--data", "digits", "--steps",
               "400", "--out", str(tmp_path / "run"), "--set", "train.checkpoint_every_kimg=1"]  # fmt: skip
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    with subprocess.Popen(command, stderr=follower, stdout=follower, stdin=follower, env=environment) as process:
        os.close(follower)
        seen = set()
        deadline = time.monotonic() + 200
        while time.monotonic() < deadline:
            if select.select([leader], [], [], 0.2)[0]:
                try:
                    content = os.read(leader, 65536)
                except OSError:
                    break
                if not content:
                    break
                stream.feed(content)
                seen |= {line.strip() for line in screen.display if line.startswith("now ")}
            elif process.poll() is not None:
                break
        assert process.wait(timeout=60) == 0
    os.close(leader)
    text = "\n".join(line.rstrip() for line in screen.display)
    assert any("loading torch" in line or "starting" in line for line in seen), seen
    assert "step 400 of 400" in text and "3.2 of 3.2 kimg" in text and "100.0%" in text
    assert "score " in text and "samples  " in text and "losses " in text
    assert "next        ganzoo export" in text.replace("\n", " ") or "next" in text


def test_watch_shows_a_run_of_another_process_and_its_page(tmp_path):
    settings = {"train.log_every_steps": 2, "train.checkpoint_every_kimg": 0.04, "augment": "ada"}
    run = gz.train("dcgan", out=tmp_path / "my <run>", steps=20, settings=settings, progress=Quiet(), **TINY)
    done = ganzoo_here("watch", run.path)
    assert_clean(done, status=0)
    assert "step 20 of 20" in done.stdout and "state    finished" in done.stdout
    told = json.loads(ganzoo_here("watch", run.path, "--json").stdout)
    assert told["state"] == "finished" and told["steps"] == 20 and told["score"]["name"] == "score.frechet"
    page = tmp_path / "page.html"
    assert_clean(ganzoo_here("watch", run.path, "-o", page), status=0)
    text = page.read_text(encoding="utf-8")
    assert "<run>" not in text and "my &lt;run&gt;" in text
    assert "http" not in text.replace("http-equiv", "") and "<script" not in text
    for name in ("score.frechet", "generator.adversarial", "discriminator.augment"):
        assert f"<figcaption>{name}" in text
    assert text.count("data:image/png;base64,") >= 2 and "default-src &#x27;none&#x27;" in text
    (tmp_path / "mine.html").write_text("mine")
    done = ganzoo_here("watch", run.path, "-o", tmp_path / "mine.html")
    assert_clean(done, status=2)
    assert (tmp_path / "mine.html").read_text() == "mine"
    assert_clean(ganzoo_here("watch", tmp_path), status=1)


def test_a_strangers_run_makes_a_page_and_nothing_else(tmp_path):
    run = gz.train("dcgan", out=tmp_path / "run", steps=2, progress=Quiet(), **TINY).path
    (run / "metrics.jsonl").write_text(
        '{"step": 1, "kimg": 1e999, "a.b": "<script>"}\n[1]\n{"step": "x"}\n{"step":1,"kimg":1,"<img src=x>.y":1}\n'
        '{"step":2,"kimg":2,"<img src=x>.y":2}\nnot json\n'
    )
    (run / "record.json").write_text('{"resumes": [{"step": "<b>", "changed": {"<i>": "<u>"}}, 3], "fork_of": 7}')
    (run / "log.txt").write_text("warning: <script>alert(1)</script>\n")
    (run / "samples" / "step-00000009.png").write_bytes(b"no picture")
    (run / "samples" / "step-00000010.png").symlink_to("/etc/passwd")
    text = gz.watch_page(run, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script" not in text and "<img src=x" not in text and "<b>" not in text and "root:" not in text
    assert read_status(run).state in ("finished", "stopped")


def test_the_page_in_chromium(tmp_path):
    """Drawn by a browser without a network: curves, pictures and no overflow."""
    import shutil

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("there is no Chromium")
    from PIL import Image

    settings = {"train.log_every_steps": 2, "train.checkpoint_every_kimg": 0.04}
    run = gz.train("dcgan", out=tmp_path / "run", steps=20, settings=settings, progress=Quiet(), **TINY)
    page = gz.watch_page(run, tmp_path / "page.html")
    shot = tmp_path / "shot.png"
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=900,1400",
               f"--screenshot={shot}", page.as_uri()]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    with Image.open(shot) as image:
        pixels = image.convert("RGB")
        assert pixels.size == (900, 1400)
        colours = pixels.getcolors(2**24)
    assert colours is not None and len(colours) > 50  # text, curves and samples, and no blank page
    assert sum(count for count, (r, g, b) in colours if b > 150 > r + 30) > 200  # the curves' blue
