"""The lines that docs/fleet.md has to copy: they can be read by what they are for, and say only what ganzoo takes."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

TEXT = (Path(__file__).parents[1] / "docs/fleet.md").read_text(encoding="utf-8")
BLOCKS = {
    marker[1]: (kind, block)
    for kind, block in re.findall(r"```(sh|yaml)\n(.*?)```", TEXT, re.DOTALL)
    if (marker := re.search(r"^# ([\w.-]+)$", block, re.MULTILINE))
}


def test_there_are_four_for_measuring_and_four_for_training():
    assert set(BLOCKS) == {
        "bench-ssh", "bench.sbatch", "bench-job", "bench-sky", "train-ssh", "train.sbatch", "train-job", "train-sky",
    }  # fmt: skip


def scripts(marker):
    """What of a block a shell runs."""
    kind, block = BLOCKS[marker]
    if kind == "sh":
        return [block]
    found = []
    for document in yaml.safe_load_all(block):
        found += [document[key] for key in ("setup", "run") if key in document]
        containers = document.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
        for command in (one["command"] for one in containers):
            found.append(command[2] if command[:2] == ["sh", "-c"] else shlex.join(command))
    return found


@pytest.mark.parametrize("marker", BLOCKS)
def test_shells_can_read_them(marker):
    for script in scripts(marker):
        done = subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("marker", BLOCKS)
def test_they_use_options_that_there_are(marker):
    from ganzoo.cli import cli

    text = re.sub(r"\$\{[^}]*\}", "x", "\n".join(scripts(marker)).replace("\\\n", " "))
    verb = "bench" if marker.startswith("bench") else "train"
    known = {option for one in cli.get_command(None, verb).params for option in (*one.opts, *one.secondary_opts)}
    used = [
        part
        for line in re.findall(rf"ganzoo {verb} ([^\n;]*)", text)
        for part in re.findall(r"(?<![\w-])--?[a-z][\w-]*", line)
    ]
    assert used or verb == "train"
    assert set(used) <= known, set(used) - known
    if verb == "train":
        assert "--resume runs/photos" in text and "torchrun" in text, "what was lost goes on"
