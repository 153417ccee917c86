"""The command line's frame: verbs, help, exit statuses, what is imported when."""

import ast
import json
import subprocess
import sys

import click
import pytest
from helpers import assert_clean, ganzoo, good_plugin, make_distribution

from ganzoo.cli import VERBS, cli

HEAVY = ("torch", "torchvision", "numpy", "onnx", "onnxruntime", "pydantic", "rich")


@pytest.mark.parametrize("verb", VERBS)
def test_the_one_line_of_a_verb_is_its_own(verb):
    command = cli.get_command(click.Context(cli), verb)
    assert command.name == verb
    assert command.help.splitlines()[0] == VERBS[verb]
    assert command.get_short_help_str(200).rstrip(".") in VERBS[verb]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb):
    done = ganzoo(verb, "--help")
    assert_clean(done, status=0)
    assert done.stdout.startswith(f"Usage: ganzoo {verb}")


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_explained(verb):
    command = cli.get_command(click.Context(cli), verb)
    for parameter in command.params:
        if parameter.param_type_name == "option":
            assert parameter.help, f"{verb} {parameter.opts}"


def test_help_lists_every_verb_and_the_exit_statuses():
    done = ganzoo("--help")
    assert_clean(done, status=0)
    for verb, line in VERBS.items():
        assert f"  {verb}" in done.stdout and line in done.stdout
    assert "130 interrupted" in done.stdout
    assert ganzoo("--version").stdout.startswith("ganzoo, version 0.")


def test_an_unknown_verb_is_answered_with_the_nearest():
    done = ganzoo("trian")
    assert_clean(done, status=2)
    assert "There is no verb 'trian'. Did you mean 'train'?" in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["list", "--json"]])
def test_start_up_leaves_the_heavy_packages_alone(tmp_path, arguments):
    for number in range(20):
        make_distribution(tmp_path, f"many-{number}", good_plugin(f"many-{number}"))
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from ganzoo.cli import main
try:
    main({arguments!r})
except SystemExit as end:
    assert end.code == 0, end.code
print("\\n" + repr([name for name in {HEAVY!r} if name in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert ast.literal_eval(done.stdout.splitlines()[-1]) == []
    if arguments[0] == "list":
        assert len(json.loads(done.stdout.rpartition("\n\n")[0])["architectures"]) >= 21


def test_list_and_info_do_without_torch_numpy_and_pydantic():
    for arguments in (["list"], ["info", "dcgan"], ["info", "dcgan", "--json"], ["plugins", "list"]):
        code = (
            "import sys\nfrom ganzoo.cli import main\n"
            f"try: main({arguments!r})\nexcept SystemExit: pass\n"
            f"print([name for name in {HEAVY[:-1]!r} if name in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert ast.literal_eval(done.stdout.splitlines()[-1]) == [], arguments


def test_info_shows_every_setting():
    done = ganzoo("info", "dcgan", "--json")
    assert_clean(done, status=0)
    facts = json.loads(done.stdout)
    assert set(facts["presets"]) >= {"paper", "digits", "tiny"}
    keys = [item["name"] for item in facts["settings"]["architecture"]]
    assert "width" in keys and "objective" in keys
    text = ganzoo("info", "dcgan").stdout
    for key in keys:
        assert key in text


def test_json_is_all_that_stdout_carries():
    for arguments in (("list",), ("info", "dcgan"), ("plugins", "list"), ("doctor",)):
        done = ganzoo(*arguments, "--json")
        json.loads(done.stdout)


def test_a_closed_pipe_is_no_traceback():
    done = subprocess.run(
        f"{sys.executable} -m ganzoo info dcgan --json | head -c 10",
        shell=True, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr


def test_the_demo_goes_from_pictures_to_a_measured_generator(tmp_path):
    done = ganzoo("demo", "--seconds", 2, cwd=tmp_path)
    assert_clean(done, status=0)
    out = tmp_path / "ganzoo-demo"
    for part in ("config.toml", "digits.png", "bench.json", "exports/generator.onnx", "exports/generator.proof.json"):
        assert (out / part).exists(), part
    for text in ("Frechet distance to the real digits", "largest difference from torch", "host to host", "Next:"):
        assert text in done.stdout
    batches = [case["batch"] for case in json.loads((out / "bench.json").read_text())["cases"]]
    assert batches == [1, 8, 32]
    assert_clean(ganzoo("verify", out / "exports" / "generator.onnx"), status=0)
