"""Runs the command line, in this process where nothing heavy is started, or as a user's shell would."""

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
    """What a command left behind."""

    code: int
    out: str
    err: str


def call(*arguments: object) -> Outcome:
    """Runs a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    argv = mock.patch.object(sys, "argv", ["lodo-tune", *map(str, arguments)])
    stays = mock.patch.object(os, "_exit", sys.exit)  # what an interruption ends with where Ray is loaded
    with argv, stays, redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as end:
            return Outcome(end.code, out.getvalue(), err.getvalue())
    raise AssertionError("main() returns by sys.exit")


def start(*arguments: object, folder, **environment: str) -> subprocess.Popen:
    """Starts a command as a process of its own, in a folder; nobody waits for it here."""
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
    """Runs a command as a process of its own, to its end."""
    process = start(*arguments, folder=folder, **environment)
    out, err = process.communicate(timeout=300)
    return Outcome(process.returncode, out, err)
