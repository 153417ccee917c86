"""The command line: one module per verb, imported when the verb is run.

`ganzoo --help` must not pay for torch, nor for the other verbs, so the verbs' one-line summaries are
kept here; a test holds them against the verbs' own.
"""

from __future__ import annotations

import importlib
import keyword
import os
import sys
from typing import Any

import click

from ganzoo.errors import GanzooError, did_you_mean, missing_package
from ganzoo.plugin.isolation import left_running
from ganzoo.plugin.streams import end_results, own_process
from ganzoo.version import __version__

VERBS = {
    "list": "List the architectures that the installed plugins offer.",
    "info": "Show one architecture: task, paper, presets, every setting.",
    "plugins": "Show the installed plugins and what is wrong with them.",
    "doctor": "Check torch, CUDA, ONNX Runtime's providers and the plugins.",
    "demo": "Train, sample, export and measure a small GAN in about two minutes.",
    "data": "Look at pictures before training, or prepare them once.",
    "train": "Train ARCHITECTURE on pictures, go on with a run, or branch off from one.",
    "runs": "List the runs in FOLDER and below it, or make room.",
    "watch": "Show how a training is going, from another terminal.",
    "sample": "Paint pictures, or translate them, with a run or an ONNX file.",
    "project": "Find the latents from which a run paints what comes nearest to a picture.",
    "directions": "Find what a generator with styles varies most, without labels.",
    "export": "Export a run to ONNX, with proof that it paints the same pictures.",
    "import": "Make a run of weights that the original authors' code saved.",
    "evaluate": "Score a generator, and say how the score came about.",
    "verify": "Repeat the proof of an exported file on this machine.",
    "inspect": "Show what an ONNX file holds and says about itself.",
    "bench": "Measure the latency of any ONNX file.",
    "choose": "Say which model, device and settings to ship.",
    "report": "Make one page of many results: which device for which latency.",
    "compare": "Say which of two results is faster, and how sure that is.",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        command: click.Command = importlib.import_module(f"ganzoo.cli.{module}").command
        _refuse_repeats(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            ctx.fail(f"There is no verb {args[0]!r}.{did_you_mean(args[0], VERBS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


def _refuse_repeats(command: click.Command) -> None:
    """An option that takes one value and is given twice is an error; of itself the last would win without a word."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            _refuse_repeats(each)
    usual = command.make_parser

    def make_parser(ctx: click.Context) -> Any:
        parser = usual(ctx)
        parse = parser.parse_args

        def parse_args(args: list[str]) -> Any:
            options, rest, order = parse(args)
            single = [each for each in order if isinstance(each, click.Option) and not (each.multiple or each.is_flag)]
            if twice := next((each for each in single if single.count(each) > 1), None):
                ctx.fail(f"{twice.opts[-1]} is given twice; it takes one value.")
            return options, rest, order

        parser.parse_args = parse_args  # type: ignore[method-assign]
        return parser

    command.make_parser = make_parser  # type: ignore[method-assign]


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `ganzoo demo`. Exit status: 0 done, 1 failed, 2 wrong request, 3 a gate was not met, "
    "130 interrupted and saved.",
)
@click.version_option(__version__, prog_name="ganzoo")
def cli() -> None:
    """A plugin-based GAN zoo: train on your pictures, export to ONNX with proof, measure."""


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line and exit. The errors of ganzoo become a message and an exit status."""
    from ganzoo.cli.common import echo, shown_warnings

    own_process() if arguments is None else None  # who hands them over has a process of their own
    try:
        with shown_warnings():
            status = cli.main(args=arguments, prog_name="ganzoo", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        _leave(error.exit_code)
    except GanzooError as error:
        if error.__cause__ is not None and os.environ.get("GANZOO_STRICT") == "1":
            import traceback

            traceback.print_exception(error.__cause__)
        rank = f"rank {os.environ['RANK']}: " if os.environ.get("RANK", "0") != "0" else ""  # torchrun's
        echo(f"{rank}error: {error.message}", err=True)
        if error.hint:
            echo(error.hint, err=True)
        _leave(error.exit_status)
    except ModuleNotFoundError as error:
        missing = missing_package(error)
        if missing is None:
            raise
        echo(f"error: {missing.message}", err=True)
        echo(missing.hint, err=True)
        _leave(missing.exit_status)
    except (click.Abort, KeyboardInterrupt):
        echo("interrupted", err=True)
        _leave(130)
    except BrokenPipeError:  # `ganzoo list | head`
        _leave(1)
    _leave(status if isinstance(status, int) else 0)


def _leave(status: int) -> None:
    """End the process; of several that torchrun started, or beside a plugin's endless thread, without the last rites.

    Python would wait for it; and ranks abort now and then, when a thread of torch.distributed outlives what it is of.
    """
    end_results()
    if os.environ.get("WORLD_SIZE", "1") != "1" or left_running():
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
