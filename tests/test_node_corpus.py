"""The node tests that the onnx package generates, of every operator, type and rank: measured, or refused in words."""

import subprocess
import sys
import warnings
from collections import Counter

import pytest

from ganzoo.errors import GanzooError
from ganzoo.runtime.latency import worker
from ganzoo.runtime.latency.job import Job
from ganzoo.runtime.latency.plan import cases_of
from ganzoo.runtime.latency.request import Request

PARTS = 8


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_nodes_are_measured_or_refused_in_words(part, tmp_path):
    """In a process of its own, which none of them may end."""
    done = subprocess.run(
        [sys.executable, __file__, str(part), str(tmp_path / "m.onnx")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    counts = dict(line.split() for line in done.stdout.splitlines())
    assert int(counts["measured"]) > 100 and int(counts.get("crashed", 0)) == 0, done.stderr[-3000:]


def main(part, path):
    import onnx
    from onnx.backend.test.loader import load_model_tests

    warnings.simplefilter("ignore")
    worker.put = lambda runs, job, **_: runs[0]()  # one call, without a warm-up
    worker.to_answer = lambda measured: ({}, {})
    found = Counter()
    for case in load_model_tests(kind="node")[part::PARTS]:
        onnx.save(case.model, path)
        try:
            (one,) = cases_of(Request(models=[path]))
            worker.run(Job(mode="measure", model=str(path), shapes=one.shapes, provider="cpu"))
            found["measured"] += 1
        except GanzooError as error:
            assert error.message and "Traceback" not in error.message
            found["refused"] += 1
        except Exception as error:
            found["crashed"] += 1
            print(f"{case.name}: {type(error).__name__}: {error}"[:300], file=sys.stderr)
    for kind, count in found.items():
        print(kind, count)


if __name__ == "__main__":
    from pathlib import Path

    main(int(sys.argv[1]), Path(sys.argv[2]))
