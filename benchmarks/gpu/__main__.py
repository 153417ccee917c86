"""Everything that only a GPU can show, in eight minutes: `python benchmarks/gpu`, or `make gpu`.

Five parts, each in a process of its own with a time limit of its own; one that fails, hangs or lacks a package leaves
the others whole. After every part the result file is written anew. Begun again, it goes on with the parts that are not
done. Needs torch and ganzoo; the parts that need onnxruntime-gpu come last but one. No download.
"""

import argparse
import datetime
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import surroundings
from report import write_json

PART = Path(__file__).with_name("part.py")
LIMITS = {"works": 75, "training": 125, "export": 35, "bench": 105, "quality": 140}
"""Parts in order of worth, and the most seconds of each."""
BUDGET = 480
SMALL_LIMITS = dict.fromkeys(LIMITS, 150)  # on a machine that does something else too; alone it takes 95 s in all
FORMAT = 1


def main(argv=None):
    arguments = _arguments(argv)
    try:
        facts = surroundings.record()
    except ModuleNotFoundError as error:
        sys.exit(f"{sys.executable} lacks {error.name}: this needs torch, onnxruntime and ganzoo (docs/gpu.md).")
    small = arguments.small
    out = arguments.out or surroundings.ROOT / (
        f"build/gpu-small-{surroundings.key(facts)}.json"
        if small
        else f"benchmarks/results/gpu-{surroundings.key(facts)}.json"
    )
    if facts["device"] == "cpu" and not small:
        sys.exit("torch finds no GPU here. `ganzoo doctor` says what is missing; SMALL=1 runs the whole on a CPU.")
    document = _begun(out, facts, small)
    out.parent.mkdir(parents=True, exist_ok=True)
    limits, began = SMALL_LIMITS if small else LIMITS, time.monotonic()
    status = 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's way to stop is Ctrl-C's
    for part in LIMITS:
        if _scratch(out, part).exists():  # of a call that was killed
            document["parts"][part] = {"state": "interrupted", **_nothing(), **_found(_scratch(out, part))}
    try:
        for part in arguments.only or LIMITS:
            done = document["parts"].get(part, {})
            if done.get("state") == "done" and not (arguments.again or arguments.only):
                print(f"{part}: done before; --again repeats it")
                continue
            left = min(limits[part], BUDGET - (time.monotonic() - began))
            document["parts"][part] = _run(part, out, left, small)
            document["machine"]["states"]["after"] = surroundings.gpu_state()
            document["date"] = datetime.date.today().isoformat()
            write_json(out, document)
            if document["parts"][part]["state"] == "interrupted":
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        status = 130
    _summary(document, out)
    sys.exit(status or any(part["state"] not in ("done", "missing") for part in document["parts"].values()))


def _arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=list(LIMITS), help="these parts, whether done before or not")
    parser.add_argument("--small", action="store_true", help="the whole in its smallest form, on a CPU too")
    parser.add_argument("--again", action="store_true", help="parts that are done, too")
    parser.add_argument("--out", type=Path, help="the result file")
    return parser.parse_args(argv)


def _begun(out, facts, small):
    """The document of an earlier call on this machine with this code, or a new one."""
    code = surroundings.source_sha256()
    if out.exists():
        old = _read(out)
        if old is None and out.stat().st_size:
            sys.exit(f"{out} is there and is no result of this script: name another file with --out, or remove it.")
        keys = ("torch", "device", "gpu", "cpu")
        if old and (old["source_sha256"], old["small"]) == (code, small) and _same(old["machine"], facts, keys):
            return old
        print(f"{out.name} is of other code, another torch or another machine: it is begun anew")
    machine = {**facts, "states": {"before": surroundings.gpu_state(), "after": None}}
    return {
        "format": FORMAT, "kind": "gpu", "date": datetime.date.today().isoformat(), "small": small,
        "source_sha256": code, "machine": machine, "parts": {},
    }  # fmt: skip


def _read(path):
    """An earlier document, or None for what is none."""
    try:
        old = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        whole = (
            old["kind"] == "gpu" and old["source_sha256"] and old["machine"]["states"] and old["small"] in (True, False)
        )
        return old if whole and all(part["state"] for part in old["parts"].values()) else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _same(one, two, keys):
    return all(one.get(key) == two.get(key) for key in keys)


def _run(part, out, limit, small):
    """One part to its end, its limit, or an interruption; what it had found by then."""
    scratch = _scratch(out, part)
    scratch.unlink(missing_ok=True)
    print(f"{part} (at most {limit:.0f} s)", flush=True)
    if limit < 1:
        return {"state": "no time left", **_nothing(), "seconds": 0.0}
    command = [sys.executable, str(PART), part, str(scratch), *(["--small"] if small else [])]
    # The part ends when this pipe does: with this process, whatever ends it.
    process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    began = time.monotonic()
    try:
        code = process.wait(timeout=limit)
        state = {0: "done", 3: "missing"}.get(code, f"died (signal {-code})" if code < 0 else f"failed (exit {code})")
    except subprocess.TimeoutExpired:
        state = "out of time"
    except KeyboardInterrupt:
        state = "interrupted"
    finally:
        _end(process)
    found = _found(scratch)
    print(f"{part}: {state} after {time.monotonic() - began:.0f} s", flush=True)
    return {"state": state, **found, "seconds": round(time.monotonic() - began, 1)}


def _scratch(out, part):
    return out.with_name(f".{out.stem}-{part}.json")


def _nothing():
    return {"figures": {}, "claims": {}, "problems": []}


def _found(scratch):
    """What a part has written, which goes into the document: the file is no longer needed."""
    if not scratch.exists():
        return _nothing()
    found = json.loads(scratch.read_text(encoding="utf-8"))
    scratch.unlink()
    return found


def _end(process):
    """The part and everything that it started."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
        except ProcessLookupError:
            return
        try:
            process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def _summary(document, out):
    for name, part in document["parts"].items():
        held = sum(claim["holds"] is True for claim in part["claims"].values())
        failed = [claim for claim, found in part["claims"].items() if found["holds"] is False]
        shown = f", {held} claims hold" if not document["small"] else ""
        print(f"{name}: {part['state']}{shown}" + (f", FAILED: {', '.join(failed)}" if failed else ""))
        for problem in part["problems"]:
            print(f"  {problem}")
    if any(part["state"] == "out of time" for part in document["parts"].values()):
        print("Out of time: what was found by then is kept. Begun again, it goes on with the parts that are not done.")
    print(f"\n{out}")
    if document["small"]:
        print("A rehearsal in its smallest form: nothing is measured, and no claim can be shown. Keep the file or not.")
    else:
        print("Send us this one file, or commit it and run `make tables`: docs/gpu.md says where.")


if __name__ == "__main__":
    main()
