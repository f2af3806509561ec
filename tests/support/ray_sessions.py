"""Ray sessions for tests, and checks for processes that they leave."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from tuner.execution.ray.executor import RayExecutor
from tuner.execution.ray.session import RaySession
from tuner.execution.resources import Resources

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
"""Seconds; nothing that is tested takes as long, so that no clock decides whether a test passes."""


@contextmanager
def local_session(*, workers: int = 2, dashboard: bool = False, gpus: int | None = None) -> Iterator[RaySession]:
    """Start a local Ray whose workers can import the tests' modules, and check that it leaves nothing behind."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *([before] if before else [])])
    try:
        session = RaySession.start(Resources(workers=workers, dashboard=dashboard), gpus=gpus)
    finally:
        del os.environ["PYTHONPATH"]
        if before is not None:
            os.environ["PYTHONPATH"] = before
    folder = str(session.folder)
    try:
        yield session
    finally:
        session.close()
    wait_until(lambda: not processes_naming(folder))
    left = [*processes_naming(folder), *map(str, Path(folder).rglob("*"))]
    assert left == []
    assert not Path(folder).exists()


def ray_executor(session: RaySession, **options: Any) -> RayExecutor:
    """Return an executor; options that are fields of `Resources` become its resources."""
    resources = {field.name: options.pop(field.name) for field in fields(Resources) if field.name in options}
    return RayExecutor(session, Resources(**resources), **options)


def processes_naming(text: str) -> list[str]:
    """Return the command lines of the processes that contain this text; Ray's all name their session's folder."""
    commands = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if text in command:
                commands.append(f"{entry.name} {command[:300]}")
    return commands


def wait_until(condition: object) -> bool:
    """Wait until a condition holds, and return whether it does: as long as a busy machine may take."""
    end = time.monotonic() + PATIENCE
    while not condition():  # type: ignore[operator]
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def is_alive(pid: int) -> bool:
    """Return whether a process runs, zombies aside."""
    return _state(pid) not in ("", "Z")


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
