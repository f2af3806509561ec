"""Run the command line, in this process or in another one as a shell does."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from unittest import mock

from tuner import cli


@dataclass(frozen=True)
class Outcome:
    """Exit code and output of a command."""

    code: int
    out: str
    err: str


def call(*arguments: object) -> Outcome:
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    argv = mock.patch.object(sys, "argv", ["lodo-tune", *map(str, arguments)])
    # An interruption ends the process by os._exit if Ray is loaded.
    exit_as_usual = mock.patch.object(os, "_exit", sys.exit)
    with argv, exit_as_usual, redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as end:
            return Outcome(end.code, out.getvalue(), err.getvalue())
    raise AssertionError("main() returns by sys.exit")


def start(*arguments: object, folder, **environment: str) -> subprocess.Popen:
    """Start a command in a process of its own, in a folder, without waiting for it."""
    return subprocess.Popen(
        [sys.executable, "-m", "tuner.cli", *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(*arguments: object, folder, **environment: str) -> Outcome:
    """Run a command in a process of its own, and wait for its end."""
    process = start(*arguments, folder=folder, **environment)
    out, err = process.communicate(timeout=300)
    return Outcome(process.returncode, out, err)
