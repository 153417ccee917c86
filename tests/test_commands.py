"""Every command that is printed can be pasted into a shell, whatever is in the names; and it is right."""

import ast
import importlib
import keyword
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import onnx
import pytest
from helpers import run_main
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from PIL import Image

from ganzoo.cli import VERBS
from ganzoo.errors import escaped, printable, shell_word

ROOT = Path(__file__).parents[1]
ODD = 'it\'s a "run" $HOME `id` *'
NAMES = [
    ODD,
    "a\nb",
    "-x",
    "--help",
    "a  b ",
    "~",
    "#1",
    "!!",
    "a;b&c",
    "größe",
    "日本",
    "\x1b[31m",
    "\\'\t",
    "\udcff",
    "a\u202eb",
]
PLAIN = ["runs/photos", "/tmp/x-1/a_b.onnx", "data.size=64", "digits:200", "ganzoo-dcgan:dcgan", "320x448", "1,8,32"]


def words(line, *, shell="bash", before=""):
    """What a shell makes of a line that begins with `ganzoo`."""
    script = f"{before}ganzoo() {{ printf '%s\\0' \"$@\"; }}\n{line}\n"
    done = subprocess.run([shell], input=os.fsencode(script), capture_output=True, check=False, timeout=60)
    assert done.returncode == 0 and done.stderr == b"", (line, done.stderr)
    return [os.fsdecode(word) for word in done.stdout.split(b"\0")[:-1]]


@pytest.mark.parametrize("word", PLAIN)
def test_plain_words_stay_as_they_are(word):
    assert shell_word(word) == word == shell_word(Path(word))


@pytest.mark.parametrize("before", ["", "set -o history -o histexpand\n"], ids=["script", "as one types"])
def test_bash_reads_what_was_meant(before):
    line = " ".join(map(shell_word, ["", *NAMES, *map(Path, NAMES)]))
    assert line == printable(line) == escaped(line)  # as the command line prints it
    paths = [f"./{name}" if name.startswith("-") else name for name in NAMES]
    assert words(f"ganzoo {line}", before=before) == ["", *NAMES, *paths]


def test_sh_reads_what_was_meant():
    names = [name for name in NAMES if name.isprintable()]
    assert words(f"ganzoo {' '.join(map(shell_word, names))}", shell="sh") == names


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=20),
    st.lists(st.binary().map(lambda content: os.fsdecode(content.replace(b"\0", b""))), max_size=20),
)
def test_anything_is_one_word(texts, names):
    line = " ".join(map(shell_word, ["x", *texts, *names]))
    assert line.isprintable() and words(f"ganzoo {line}") == ["x", *texts, *names]


def test_a_text_that_is_no_name_of_a_file_is_still_printed():
    assert shell_word("\ud800") == r"$'\355\240\200'"  # it could not be typed


# What is in the source: each string with values in it.

_COMMAND = re.compile(
    rf"(?:\bganzoo (?:{'|'.join(VERBS)})\b|\bpip (?:un)?install\b|\btorchrun --|\b(?:cp|mv|rm) )[^`\n]*"
)
_OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]* [^\s`]*")
OURS = {  # numbers, and names that are not a user's nor a stranger's
    "ganzoo/architecture/from_noise.py": {"size_text(*nearest)"},
    "ganzoo/architecture/image_to_image.py": {"size_text(*fitting)", "self._key(domain)", "wanted"},
    "ganzoo/architecture/perceptual.py": {"option"},
    "ganzoo/data/degradation/recipe.py": {"recipe"},
    "ganzoo/sampling/enlarging.py": {"least_tile(more, multiple)", "more", "wanted[0]", "wanted[1]"},
    "ganzoo/sampling/tiles.py": {"least"},
    "ganzoo/training/import_weights.py": {"size_text(height, width)"},
    "ganzoo/cli/info.py": {"name"},
    "ganzoo/evaluation/metrics/kernel.py": {"_most(real, painted)"},
    "ganzoo/evaluation/networks/onnx_file.py": {"name", "key"},
    "ganzoo/evaluation/networks/weights.py": {"name"},
    "ganzoo/evaluation/people/trial.py": {"ask"},
    "ganzoo/api/resume.py": {"2 * outcome.kimg"},
    "ganzoo/cli/directions.py": {"words", "kept", "moving"},  # of words that went through it one by one
    "ganzoo/cli/runs.py": {"keep", "kept"},
    "ganzoo/cli/train.py": {"usual", "verb"},
    "ganzoo/cli/list.py": {"' '.join(published())"},
    "ganzoo/data/kinds.py": {"self.extra", "self.note"},
    "ganzoo/data/prepared.py": {"picture.channels", "size_text(picture.height, picture.width)"},
    "ganzoo/data/report.py": {"guess"},
    "ganzoo/data/store.py": {"_share(bad, of)"},
    "ganzoo/training/pictures.py": {"typed_places(data)"},  # words that went through it one by one
    "ganzoo/training/resuming.py": {"typed_places(run.config.data)"},
    "ganzoo/runs/changes.py": {
        "_assignment(table, key, value)",
        "_longer(run)",
        "2 * kimg",
        "2 * run.steps * train.batch_size / 1000",
    },
    "ganzoo/data/opening.py": {
        "given",
        "size_text(*(max(1, side // scale) * scale for side in (height, width)))",
    },
    "ganzoo/datainfo.py": {"min(height, width)"},
    "ganzoo/plugin/settings.py": {"min(height, width)"},
    "ganzoo/api/doctor.py": {"' '.join(names)"},
    "ganzoo/errors.py": {"others"},
    "ganzoo/runtime/comparison/pairing.py": {"'|'.join(ACROSS)", "name"},
    "ganzoo/runtime/latency/readiness.py": {"max(1, int(limit))"},
    "ganzoo/runtime/providers/failures.py": {"package"},
    "ganzoo/runtime/providers/provider.py": {"' '.join(there)", "install", "key", "self.name", "self.packages[0]"},
    "ganzoo/sampling/translation.py": {"size_text(*wanted[1:])"},
    "ganzoo/training/checks.py": {"near"},
    "ganzoo/training/memory.py": {"more", "parts", "size // parts", "size_text(shown.height // 2, shown.width // 2)"},
    "ganzoo/training/ranks.py": {"device", "torch.cuda.device_count()"},
    "plugins/ganzoo-restoration/ganzoo_restoration/models.py": {"sides"},
    "plugins/ganzoo-stylegan/ganzoo_stylegan/game.py": {"64 * self.data.size"},
    "plugins/ganzoo-styletransfer/ganzoo_styletransfer/adain.py": {"_LEAST"},
    "plugins/ganzoo-styletransfer/ganzoo_styletransfer/fast_style.py": {"'x'.join(map(str, sides))"},
}


def sources():
    paths = [*ROOT.glob("ganzoo/**/*.py"), *ROOT.glob("plugins/*/ganzoo_*/**/*.py")]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def raw_values(source):
    """Expressions that are put into commands, or behind options, without `shell_word`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.JoinedStr():
                found += _raw_of(node)
            case (
                ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Add() | ast.Mod())
                | ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text))))
            ) if _COMMAND.search(text):
                found.append(ast.unparse(node))
    return found


def _raw_of(node):
    values = [part for part in node.values if isinstance(part, ast.FormattedValue)]
    text = "".join(part.value if isinstance(part, ast.Constant) else "\0" for part in node.values)
    for kind in (_COMMAND, _OPTION):
        for match in kind.finditer(text):
            first = text[: match.start()].count("\0")
            for value in values[first : first + match[0].count("\0")]:
                calls = {item.id for item in ast.walk(value.value) if isinstance(item, ast.Name)}
                told = kind is _OPTION and (value.conversion == ord("r") or "short" in calls)  # what was typed
                if "shell_word" not in calls and not told:
                    yield ast.unparse(value.value)


@pytest.mark.parametrize(
    "source",
    [
        'f"Go on: ganzoo train --resume {run}"',
        'f"{what}: ganzoo train --resume {shell_word(run)} -c {config}"',
        'f"`ganzoo info {name!r}` tells"',
        'f"pip install {name}"',
        'f"cp {a} {shell_word(b)}"',
        'f"Add --out {place}"',
        'f"--set width={width}"',
        '"Go on: ganzoo train --resume " + str(run)',
        '"Go on: ganzoo train --resume %s" % run',
        '"Go on: ganzoo train --resume {}".format(run)',
    ],
)
def test_a_raw_value_is_found(source):
    assert len(set(raw_values(source))) == 1


def test_no_value_comes_raw_into_a_command():
    raw = {name: set(found) for name, text in sources().items() if (found := raw_values(text))}
    assert raw == OURS, "let it go through ganzoo.errors.shell_word"


def typed(source):
    """(verb, what follows) of each command in the texts of a file; values are V."""
    tree = ast.parse(source)
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(part.value if isinstance(part, ast.Constant) else "V" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            text = node.value
        else:
            continue
        yield from re.findall(rf"\bganzoo ({'|'.join(VERBS)})\b([^`\n;]*)", text)
        yield from ((verb, "") for verb in re.findall(r"`ganzoo ([a-z]+)", text))


def test_what_is_to_be_typed_has_a_verb_and_options_that_exist():
    seen = set()
    for name, source in sources().items():
        for verb, rest in typed(source):
            where = f"{name}: ganzoo {verb}{rest}"
            assert verb in VERBS, where
            module = importlib.import_module(f"ganzoo.cli.{verb}{'_' if keyword.iskeyword(verb) else ''}")
            command = module.command
            if isinstance(command, click.Group):  # `ganzoo data info`
                command = command.commands.get(rest.split(" ")[1] if " " in rest else "", command)
            options = [item for item in command.params if item.param_type_name == "option"]
            given = set(re.findall(r"(?<= )--?[a-z][a-z-]*", rest))
            assert given <= {text for option in options for text in option.opts} | {"--help"}, where
            if re.search(r" (?:V\b|\S+\.\w)", rest) and "..." not in rest:  # with what it is about: a whole command
                assert all(given & set(option.opts) for option in options if option.required), where
                seen.add(verb)
    assert seen > {"train", "export", "bench", "sample", "import", "inspect"}


# What the command line prints, pasted.

TINY = ("train", "dcgan", "--preset", "tiny", "--data")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(run, what was printed) of a training in a directory of an odd name, of a folder of an odd name."""
    folder = tmp_path_factory.mktemp("odd")
    pictures = folder / f"pictures: {ODD}"
    pictures.mkdir()
    for number in range(8):
        Image.new("L", (16, 16), 30 * number).save(pictures / f"{number}.png")
    status, out, _ = run_main(*TINY, pictures, "--out", folder / ODD, "--steps", 3, "--max-time", 1e-9)
    assert status == 0
    return folder / ODD, out


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained[0], tmp_path / ODD)


def behind(sign, text):
    """The rest of the line."""
    return re.search(rf"{re.escape(sign)}(.*)", text)[1]


def refused(*arguments):
    status, _, err = run_main(*arguments)
    assert status in (1, 2, 3) and "error: " in err, err
    return err


def test_a_training_that_was_stopped_goes_on_with_what_is_printed(trained, run):
    printed = behind("out of time; go on with: ", trained[1])
    assert words(printed) == ["train", "--resume", str(trained[0])]
    line = printed.replace(shell_word(trained[0]), shell_word(run))
    script = f'ganzoo() {{ {shell_word(sys.executable)} -m ganzoo "$@"; }}\n{line}\n'
    done = subprocess.run(["bash"], input=script, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0 and "going on at step 1" in done.stderr and "3 steps" in done.stdout, done
    assert words(behind("next        ", done.stdout)) == ["export", str(run)]


def test_from_a_finished_training_to_a_measured_file(run):
    status, out, _ = run_main("train", "--resume", run)
    assert status == 0
    status, out, err = run_main(*words(behind("next        ", out)))
    assert status == 0, err
    verb, model = words(behind("next: ", out))
    assert verb == "bench" and Path(model).is_file() and Path(model).parent == run / "exports"


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_run_that_is_there_is_gone_on_with(trained, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    for item in ("config.toml", "checkpoints"):
        (tmp_path / name / item).symlink_to(trained[0] / item)
    err = refused(*TINY, "digits", f"--out={name}")
    resumed, option, place = words(behind("Go on with it: ", err))
    assert (resumed, option, Path(place)) == ("train", "--resume", Path(name))
    assert words(refused("train", f"--resume={name}", "--dry-run").splitlines()[-1]) == [resumed, option, place]
    assert not place.startswith("-")


def test_settings_that_are_damaged_come_back(run):
    sound = (run / "config.toml").read_text(encoding="utf-8")
    for text, sign in (
        ("broken", "has a copy: "),
        (re.sub(r"(?m)^seed = .*$", "seed = 77", sound), "as it was: "),
    ):
        assert text != sound
        (run / "config.toml").write_text(text, encoding="utf-8")
        command = behind(sign, refused("train", "--resume", run))
        subprocess.run(["bash", "-c", command], check=True, timeout=60)
        assert (run / "config.toml").read_text(encoding="utf-8") == sound


def test_of_settings_without_a_sound_copy_nothing_is_said(run):
    for path in (run / "config.toml", *run.glob("checkpoints/*/config.toml")):
        path.write_text("broken", encoding="utf-8")
    assert "cp " not in refused("train", "--resume", run)


def test_what_cannot_change_begins_a_new_run(run, tmp_path):
    said = refused("train", "--resume", run, "--set", "latent_size=9")
    command = behind("A new run from its weights: ", said)
    new = [str(tmp_path / "new") if word == "RUN" else word for word in words(command)]
    status, _, err = run_main(*new, "--steps", 1)
    assert status == 0, err
    said = refused("train", "--resume", run, "--set", "penalty_weight=2.0")
    branch = behind("a branch with all that was learnt: ", said)
    branch = [str(tmp_path / "branch") if word == "RUN" else word for word in words(branch)]
    status, _, err = run_main(*branch, "--steps", 9)
    assert status == 0 and "penalty_weight from 10 to 2" in err, err


def test_weights_without_data_begin_a_new_run(run, tmp_path):
    text = (run / "config.toml").read_text(encoding="utf-8")
    (run / "config.toml").write_text(re.sub(r"(?m)^source = .*$", 'source = ""', text), encoding="utf-8")
    command = behind("with its settings: ", refused("train", "--resume", run))
    assert command.endswith("--data ... --out ...")
    stated = command.replace("--data ... --out ...", f"--data digits --out {shell_word(tmp_path / 'new')} --dry-run")
    status, _, err = run_main(*words(stated))
    assert status == 0, err
    added = behind("to train from it, add ", refused(*TINY, "digits", "--out", run))
    assert words(f"ganzoo {added}") == ["--init-from", str(run)]


def foreign(path, *, operator="Relu", name="x"):
    """A model that is not ours."""
    tensors = [helper.make_tensor_value_info(item, TensorProto.FLOAT, ["n", "c", "h", "w"]) for item in (name, "y")]
    graph = helper.make_graph([helper.make_node(operator, [name], ["y"])], "g", tensors[:1], tensors[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def test_what_is_printed_about_a_file(tmp_path):
    path = foreign(tmp_path / f"{ODD}.onnx")
    quoted = shell_word(path)
    assert f"ganzoo inspect {quoted} and ganzoo bench {quoted} work" in refused("verify", path)
    assert f"ganzoo inspect {quoted} shows" in refused("sample", path, "-o", tmp_path / "x.png")
    odd = foreign(tmp_path / ODD, operator="NoSuchOperator")
    command = behind("See what it holds: ", refused("bench", odd, "--shape", "x=1x1x1x1"))
    assert words(command) == ["inspect", str(odd)] and run_main(*words(command))[0] == 0


def test_an_input_of_an_odd_name_is_stated_as_is_printed(tmp_path):
    path = foreign(tmp_path / "m.onnx", name=f"{ODD}=")
    assert (
        words("ganzoo " + behind("Say how large: ", refused("bench", path)).removesuffix(" with numbers."))[0]
        == "--shape"
    )
    option, stated = words(f"ganzoo {behind('whole shape: ', refused('bench', path, '--size', 8))}")
    assert option == "--shape" and stated == f"{ODD}==1x3x256x256"
