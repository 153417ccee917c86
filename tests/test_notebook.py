"""Notebooks, in a kernel: what shows under a cell, the interrupt button, and the notebook of the docs."""

import os
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow  # a kernel begins, and torch in it
pytest.importorskip("ipykernel")
nbclient = pytest.importorskip("nbclient")


class Kernel:
    """One kernel, asked cell by cell."""

    def __init__(self):
        from jupyter_client.manager import start_new_kernel

        self.manager, self.client = start_new_kernel(kernel_name="python3", startup_timeout=120)

    def run(self, code, *, interrupt_when="", timeout=300):
        """(type, content) of everything that the cell shows. interrupt_when: a text at which the button is pressed."""
        asked, told, pressed = self.client.execute(code), [], False
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                message = self.client.get_iopub_msg(timeout=1)
            except Exception:
                continue
            if message["parent_header"].get("msg_id") != asked:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                return told
            told.append((kind, content))
            if interrupt_when and not pressed and interrupt_when in str(content):
                self.manager.interrupt_kernel()
                pressed = True
        raise AssertionError(f"the cell did not end: {told[-3:]}")

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def kernel():
    one = Kernel()
    yield one
    one.close()


def texts(told):
    return [content["data"].get("text/plain", "") for kind, content in told if "data" in content]


def test_a_training_draws_its_panel_and_the_button_stops_and_saves_it(kernel, tmp_path):
    setup = f"import os; os.chdir({str(tmp_path)!r}); import ganzoo as gz; settings={{'train.log_every_steps': 5}}"
    assert not [content for kind, content in kernel.run(setup) if kind == "error"]
    told = kernel.run(
        "run = gz.train('dcgan', preset='tiny', data='digits', out='run', kimg=1e6, settings=settings)\nrun",
        interrupt_when="images/s",
    )
    kinds = [kind for kind, _ in told]
    assert kinds.count("display_data") == 1 and "update_display_data" in kinds and "error" not in kinds
    assert any("images/s" in text and "losses" in text for text in texts(told))
    assert texts(told)[-1].startswith("<Run run: dcgan, step ")
    told = kernel.run("print(run.interrupted, run.steps > 0, gz.run_status(run).state)")
    assert told[-1][1]["text"] == "True True stopped\n"
    told = kernel.run("run = gz.resume(run, steps=run.steps + 3)\nprint(run.interrupted)")
    assert told[-1][1]["text"] == "False\n" or any("False" in str(content) for _, content in told)


def test_pictures_show_themselves(kernel):
    told = kernel.run("model = gz.load(run)\nmodel.sample(range(4))")
    assert told[-1][0] == "execute_result" and {"text/plain", "image/png"} <= set(told[-1][1]["data"])
    told = kernel.run("gz.project(run, model.sample([5])[0], steps=5, starts=1, refine=0)")
    assert "image/png" in told[-1][1]["data"] and any("projecting" in text for text in texts(told))


def test_a_listener_of_ones_own_is_told_and_nothing_is_drawn(kernel):
    code = """
class Told:
    def update(self, progress): pass
    def say(self, text): pass
run = gz.resume(run, steps=run.steps + 2, progress=Told())
"""
    assert not [kind for kind, _ in kernel.run(code) if kind == "display_data"]


def test_the_notebook_of_the_docs_runs_from_training_to_projection(tmp_path):
    import nbformat

    book = nbformat.read(ROOT / "docs" / "notebook.ipynb", as_version=4)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert all(cell.outputs for cell in code[1:]), "it is kept with what it shows"
    shown = [set(output["data"]) for cell in code for output in cell.outputs if "data" in output]
    assert sum("image/png" in each for each in shown) >= 6
    first = code[0].source
    assert "SECONDS = 120" in first
    code[0].source = first.replace("SECONDS = 120", "SECONDS = 6")
    for cell in code:
        cell.source = cell.source.replace("steps=200", "steps=20")
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        nbclient.NotebookClient(book, timeout=400, kernel_name="python3").execute()
    finally:
        os.chdir(before)
    errors = [output for cell in code for output in cell.outputs if output.output_type == "error"]
    assert errors == []
    assert sum("image/png" in output.get("data", {}) for cell in code for output in cell.outputs) >= 6
