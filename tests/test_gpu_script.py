"""`make gpu` without a GPU: parts that hang, die, or lack a package; the result file; the tables made of such files."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).parents[1]
GPU = ROOT / "benchmarks" / "gpu"
SCHEMA = json.loads((GPU / "result.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def scripts():
    """The modules of benchmarks/gpu by name, as the script itself imports them."""
    before, names = list(sys.path), {}
    sys.path[:0] = [str(GPU), str(GPU.parent)]
    try:
        for name in ("claims", "report", "surroundings", "gpu_tables"):
            names[name] = importlib.import_module(name)
        spec = importlib.util.spec_from_file_location("gpu_main", GPU / "__main__.py")
        names["main"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(names["main"])
        yield names
    finally:
        sys.path[:] = before


FAKE = """
import os, signal, sys, time
sys.path.insert(0, {gpu!r})
from report import Report
part, path = sys.argv[1:3]
from pathlib import Path; report = Report(part, Path(path))
report.figure("early", value=1.0)
how = os.environ.get("FAKE_" + part.upper(), "done")
if how == "hangs":
    import subprocess
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    report.figure("child", pid=child.pid)
    time.sleep(600)
if how == "dies":
    os.kill(os.getpid(), signal.SIGKILL)
if how == "fails":
    raise RuntimeError("no")
if how == "missing":
    sys.exit(3)
"""


@pytest.fixture
def run(scripts, tmp_path, monkeypatch):
    """Runs the driver with parts that do as they are told; gives the document."""
    part = tmp_path / "part.py"
    part.write_text(FAKE.format(gpu=str(GPU)))
    main, out = scripts["main"], tmp_path / "gpu-test.json"
    monkeypatch.setattr(main, "PART", part)
    monkeypatch.setattr(main, "SMALL_LIMITS", dict.fromkeys(main.LIMITS, 20))

    def call(*arguments, limit=None, **parts):
        for name in main.LIMITS:
            monkeypatch.setenv(f"FAKE_{name.upper()}", parts.get(name, "done"))
        if limit:
            monkeypatch.setattr(main, "SMALL_LIMITS", {**main.SMALL_LIMITS, **limit})
        with pytest.raises(SystemExit) as ended:
            main.main(["--small", "--out", str(out), *arguments])
        document = json.loads(out.read_text())
        jsonschema.validate(document, SCHEMA)
        return ended.value.code, document["parts"]

    call.out = out
    return call


def test_one_part_that_dies_hangs_fails_or_lacks_a_package_leaves_the_others_whole(run):
    code, parts = run(limit={"export": 3}, works="dies", training="fails", export="hangs", bench="missing")
    assert {name: part["state"] for name, part in parts.items()} == {
        "works": "died (signal 9)",
        "training": "failed (exit 1)",
        "export": "out of time",
        "bench": "missing",
        "quality": "done",
    }
    assert all(part["figures"]["early"] == {"value": 1.0} for part in parts.values()), "what was found before is kept"
    assert code  # not all is well
    child = parts["export"]["figures"]["child"]["pid"]
    assert (
        not Path(f"/proc/{int(child)}").exists()
        or "Z" in Path(f"/proc/{int(child)}/stat").read_text().split(")")[1][:3]
    )
    assert not list(run.out.parent.glob(".*")), "no scratch file is left"


def test_begun_again_it_goes_on_with_what_is_not_done(run):
    run(training="dies")
    first = json.loads(run.out.read_text())
    code, parts = run()
    assert not code and {part["state"] for part in parts.values()} == {"done"}
    assert parts["works"] == first["parts"]["works"], "what was done is not repeated"
    _, again = run("--only", "works")
    assert again["training"] == parts["training"]


def test_a_result_of_other_code_or_a_damaged_one_is_begun_anew(run, capsys):
    run()
    body = json.loads(run.out.read_text())
    run.out.write_text(json.dumps({**body, "source_sha256": "of yesterday"}))
    run("--only", "works")
    assert "is of other code, another torch or another machine: it is begun anew" in capsys.readouterr().out
    assert list(json.loads(run.out.read_text())["parts"]) == ["works"]
    machine = {**body["machine"], "gpu": "NVIDIA Other"}
    run.out.write_text(json.dumps({**body, "machine": machine}))
    run("--only", "quality")
    assert list(json.loads(run.out.read_text())["parts"]) == ["quality"], "figures of two machines are not mixed"


@pytest.mark.parametrize(
    "content", ["{ half a fi", '{"name": "a package"}', "print(1)", '{"kind": "gpu", "parts": null}']
)
def test_a_file_that_is_no_result_is_not_written_over(scripts, tmp_path, content):
    out = tmp_path / "precious.json"
    out.write_text(content)
    with pytest.raises(SystemExit, match="is there and is no result of this script"):
        scripts["main"].main(["--small", "--only", "works", "--out", str(out)])
    assert out.read_text() == content


def test_a_killed_driver_takes_its_part_along(scripts, tmp_path):
    """The part ends when its pipe does; the file on disk stays readable."""
    part = tmp_path / "part.py"
    part.write_text((GPU / "part.py").read_text().replace("HERE = Path(__file__).parent", f"HERE = Path({str(GPU)!r})"))
    code = (
        f"import sys; sys.path.insert(0, {str(GPU)!r}); import runpy, pathlib\n"
        f"sys.argv = ['gpu', '--small', '--only', 'works', '--out', {str(tmp_path / 'out.json')!r}]\n"
        f"runpy.run_path({str(GPU / '__main__.py')!r}, run_name='__main__')"
    )
    driver = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    scratch = tmp_path / ".out-works.json"
    until = time.monotonic() + 60
    while not scratch.exists() and time.monotonic() < until:
        time.sleep(0.1)
    assert scratch.exists()
    (pid,) = _children(driver.pid)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    until = time.monotonic() + 10
    while _alive(pid) and time.monotonic() < until:
        time.sleep(0.1)
    assert not _alive(pid)
    assert set(json.loads(scratch.read_text())) == {"figures", "claims", "problems", "seconds"}


def test_a_stopped_driver_keeps_what_was_found_and_leaves_no_process(tmp_path):
    """SIGTERM, as schedulers send it: like Ctrl-C."""
    part = tmp_path / "part.py"
    part.write_text(FAKE.format(gpu=str(GPU)))
    out = tmp_path / "gpu-test.json"
    code = (
        f"import sys, runpy, pathlib; sys.path.insert(0, {str(GPU)!r})\n"
        f"module = runpy.run_path({str(GPU / '__main__.py')!r}, run_name='gpu_main')\n"
        f"module['_run'].__globals__['PART'] = pathlib.Path({str(part)!r})\n"
        f"module['main'](['--small', '--out', {str(out)!r}])"
    )
    environment = {**os.environ, "FAKE_TRAINING": "hangs"}
    driver = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
    scratch, until = tmp_path / ".gpu-test-training.json", time.monotonic() + 60
    while time.monotonic() < until and not (scratch.exists() and "child" in scratch.read_text()):
        time.sleep(0.1)
    child = int(json.loads(scratch.read_text())["figures"]["child"]["pid"])
    driver.terminate()
    driver.communicate(timeout=30)
    assert driver.returncode == 130 and not _alive(child)
    parts = json.loads(out.read_text())["parts"]
    assert {name: found["state"] for name, found in parts.items()} == {"works": "done", "training": "interrupted"}
    assert parts["training"]["figures"]["early"] == {"value": 1.0}


def _children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]
    except FileNotFoundError:
        return False


def test_the_limits_keep_within_eight_minutes(scripts):
    assert sum(scripts["main"].LIMITS.values()) <= scripts["main"].BUDGET <= 480


def test_every_claim_belongs_to_a_part_and_is_on_the_page(scripts):
    page = (ROOT / "docs" / "gpu.md").read_text(encoding="utf-8")
    for claim in scripts["claims"].CLAIMS.values():
        assert claim.part in scripts["main"].LIMITS and f"| {claim.what} |" in page


def test_no_host_and_no_folder_gets_into_a_result(scripts):
    scrub = scripts["report"].scrub
    assert scrub("CUDA failure 2 ; hostname=my-box ; x") == "CUDA failure 2 ; hostname=- ; x"
    assert scrub("/home/anna/pictures/model.onnx cannot be read") == "model.onnx cannot be read"
    assert scrub("C:\\Users\\anna\\x.onnx and D:/data/anna/y.onnx") == "x.onnx and y.onnx"
    assert (
        scrub("in /home/anna: no") == "in ~: no"
        and scrub("/scratch/anna/z.onnx; Hostname: box") == "z.onnx; hostname=-"
    )
    assert scrub("0.5 s/step, 12 ms / run, 3/4") == "0.5 s/step, 12 ms / run, 3/4"
    assert scrub("see '/tmp/pytest-of-root/a/b.py', line 3") == "see 'b.py', line 3"


def test_results_that_were_sent_are_of_the_form_and_private():
    for path in (ROOT / "benchmarks" / "results").glob("gpu-*.json"):
        text = path.read_text(encoding="utf-8")
        jsonschema.validate(json.loads(text), SCHEMA)
        assert not re.search(r'"/|hostname=[^-]|/home/|/root/|/Users/', text), path.name


def _result(**changes):
    claims = {
        "fp32": {"holds": True, "note": "9 architectures"},
        "nccl": {"holds": None, "note": "needs two GPUs"},
        "bf16": {"holds": False, "note": "wgan"},
    }
    speed = {"images_per_second": 9000.0, "seconds_per_kimg": 0.111, "peak_memory_gb": 1.5}
    speed |= {"of_the_plain_loop": 0.7, "interval": [0.6, 0.8]}
    body = {"format": 1, "kind": "gpu", "date": "2026-11-27", "small": False, "source_sha256": "0"}
    body["machine"] = {"device": "cuda", "gpu": "NVIDIA Test", "torch": "2", "onnxruntime": "1"}
    body["parts"] = {
        "works": {"claims": claims, "figures": {}},
        "training": {"claims": {}, "figures": {"DCGAN-64, bf16": speed}},
    }
    return {**body, **changes}


def test_tables_show_what_files_say_and_nothing_else(scripts, tmp_path):
    tables = scripts["gpu_tables"]
    assert {line.split("|")[2].strip() for line in tables.states([])[2:]} == {"never ran"}
    assert tables.training([]) == [tables.NOTHING] == tables.latency([]) == tables.profile([])
    assert "has run on a GPU yet" in tables.summary([])[0]
    (tmp_path / "gpu-test.json").write_text(json.dumps(_result()))
    (tmp_path / "gpu-small.json").write_text(json.dumps(_result(small=True)))
    (tmp_path / "gpu-cpu.json").write_text(json.dumps(_result(machine={**_result()["machine"], "device": "cpu"})))
    found = tables.results(tmp_path)
    assert len(found) == 1, "a rehearsal, or a result of a CPU, is no result of a GPU"
    rows = dict(line.strip("| ").split(" | ") for line in tables.states(found)[2:])
    assert rows[scripts["claims"].CLAIMS["fp32"].what] == "holds on NVIDIA Test, 2026-11-27: 9 architectures"
    assert rows[scripts["claims"].CLAIMS["bf16"].what].startswith("**fails** on NVIDIA Test")
    assert rows[scripts["claims"].CLAIMS["nccl"].what] == "never ran", "what cannot be shown there was not shown"
    assert "| DCGAN-64, bf16 | 9,000 | 0.11 | 0.70 (0.60 to 0.80) | 1.5 GB |" in tables.training(found)
    assert f"1 of {len(scripts['claims'].CLAIMS)}" in tables.summary(found)[2] and "bf16" in tables.summary(found)[2]


@pytest.mark.slow
def test_the_whole_in_its_smallest_form(scripts, tmp_path):
    """Every part runs to its end without a GPU, every claim is answered, and none is claimed to hold."""
    out = tmp_path / "gpu-small.json"
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, str(GPU), "--small", "--out", str(out)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    document = json.loads(out.read_text())
    jsonschema.validate(document, SCHEMA)
    assert {name: part["state"] for name, part in document["parts"].items()} == dict.fromkeys(
        scripts["main"].LIMITS, "done"
    )
    assert not [problem for part in document["parts"].values() for problem in part["problems"]]
    answered = {name: claim for part in document["parts"].values() for name, claim in part["claims"].items()}
    assert set(answered) == set(scripts["claims"].CLAIMS)
    assert {claim["holds"] for claim in answered.values()} == {None}
    text = out.read_text()
    assert str(Path.home()) not in text and str(ROOT) not in text and os.uname().nodename not in text.split()
