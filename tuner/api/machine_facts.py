"""Facts on this machine, for bug reports.

Versions, processor, memory, GPU, folders, network, encodings and environment variables.
"""

from __future__ import annotations

import contextlib
import locale
import math
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.home import writable_home
from tuner.execution.open_files import limit_of_files
from tuner.execution.quota import cpu_quota, memory_limit
from tuner.execution.ray_variables import unused_by_a_local_ray
from tuner.execution.resources import usable_cores
from tuner.studies import machine

GIB = 2**30
MIN_FREE = 1.0  # GiB of memory, and of the folder of temporary files, below which a search may fail
MIN_SHARED = 0.25  # GiB of shared memory, below which Ray uses files in its place
GPU_SECONDS = 2.0  # within which the driver of the graphics cards must answer

OTHER_PACKAGES = ("alembic", "pandas", "matplotlib", "click", "psycopg", "optuna", "torch", "jax", "tf_keras")

_SHADOWED = ("tuner", "tasks", "lodo", "search_spaces", "numpy", "keras", "tensorflow", "ray")

# Variables that are shown with their values. Of all others whose names begin so, only the names are shown.
_SHOWN = re.compile(
    r"LODO_\w+|RAY_(ADDRESS|AUTH_MODE|TMPDIR|worker_niceness|memory_\w+|num_\w+)|TF_\w+|TF2_\w+|XLA_FLAGS|KERAS_\w+"
    r"|CUDA_VISIBLE_DEVICES|NVIDIA_VISIBLE_DEVICES|MPLBACKEND|MPLCONFIGDIR|MATPLOTLIBRC"
    r"|PYTHON\w+|VIRTUAL_ENV|CONDA_PREFIX|LD_LIBRARY_PATH|LD_PRELOAD|MALLOC_\w+|\w+_NUM_THREADS"
    r"|HOME|TMPDIR|XDG_CACHE_HOME|LANG|LC_\w+|TERM|COLUMNS|NO_COLOR|FORCE_COLOR"
    r"|PG(HOST|PORT|USER|DATABASE|SERVICE|OPTIONS|SSLMODE|PASSFILE)|\w+_proxy",
    re.IGNORECASE,
)
_NAMED = re.compile(r"RAY_\w+|PG[A-Z]+|SLURM_JOB_ID|KUBERNETES_SERVICE_HOST")
_SECRET = re.compile(r"TOKEN|PASSWORD|SECRET|CREDENTIAL|API_?KEY|PASSPHRASE|PGOPTIONS", re.IGNORECASE)
_LOGIN = re.compile(r"(^|//)\S*@")  # up to the last @: a password may contain others


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact.

    Attributes:
        section: What it belongs to, such as "memory".
        name: Its name within the section.
        value: Its value, for people.
        trouble: What it will cause, and what to do; None if nothing.
    """

    section: str
    name: str
    value: str
    trouble: str | None = None


def versions() -> Iterator[Fact]:
    """Yield the versions of Python, of the operating system and of the packages; those of extras if installed."""
    packages = machine.versions()
    for name, version in packages.items():
        trouble = "is not installed: pip install lodo-tune" if version == machine.NOT_INSTALLED else None
        yield Fact("versions", name, version, trouble)
    for name in OTHER_PACKAGES:
        if (version := machine.version(name)) != machine.NOT_INSTALLED:
            yield Fact("versions", name, version)
    yield Fact("versions", "system", platform.platform())
    yield Fact("versions", "executable", sys.executable)


def processor(variables: Mapping[str, str]) -> Iterator[Fact]:
    """Yield the processor, and how many cores a search will use."""
    yield Fact("processor", "model", str(machine.hardware()["processor"]))
    yield Fact("processor", "cores of the machine", str(os.cpu_count()))
    quota = cpu_quota()
    too_small = "the container has less than one core: training is slow" if quota is not None and quota < 1 else None
    yield Fact("processor", "quota", "none" if quota is None else f"{quota:g} cores", too_small)
    yield Fact("processor", "cores that are used", str(usable_cores()))
    yield Fact("processor", "open files", *limit_of_files())
    if variables.get("PYTHONOPTIMIZE"):
        yield Fact("processor", "PYTHONOPTIMIZE", variables["PYTHONOPTIMIZE"], "leaves out the assertions of your task")


def memory() -> Iterator[Fact]:
    """Yield memory, limits of a container, and shared memory, in GiB."""
    gibibytes: dict[str, float] = {}
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            name, _, rest = line.partition(":")
            gibibytes[name] = int(rest.split()[0]) / 2**20
    if "MemTotal" in gibibytes:
        yield Fact("memory", "of the machine", f"{gibibytes['MemTotal']:.1f} GiB")
    limit = memory_limit()
    if limit is not None:
        small = "too little for TensorFlow" if limit / GIB < MIN_FREE else None
        yield Fact("memory", "limit of the container", f"{limit / GIB:.1f} GiB", small)
    if "MemAvailable" in gibibytes:
        free = gibibytes["MemAvailable"]
        yield Fact("memory", "available", f"{free:.1f} GiB", _too_little(free, "Ray ends workers when memory is full"))
    shared = Path("/dev/shm")  # noqa: S108 - not a file of ours
    if shared.is_dir():
        size = shutil.disk_usage(shared).free / GIB
        small = "Ray will use slower files in /tmp; in Docker give --shm-size" if size < MIN_SHARED else None
        yield Fact("memory", "shared (/dev/shm)", f"{size:.1f} GiB free", small)
    else:
        yield Fact("memory", "shared (/dev/shm)", "missing", "Ray will use slower files in /tmp")


def gpus(variables: Mapping[str, str]) -> Iterator[Fact]:
    """Yield the graphics cards, as their driver lists them."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GPU_SECONDS, check=True)
    except FileNotFoundError:
        yield Fact("GPU", "cards", "none (there is no nvidia-smi)")
        return
    except (OSError, subprocess.SubprocessError) as error:
        yield Fact("GPU", "cards", "unknown", f"nvidia-smi fails: {type(error).__name__}")
        return
    for number, line in enumerate(done.stdout.splitlines()):
        yield Fact("GPU", f"card {number}", line.strip())
    if variables.get("CUDA_VISIBLE_DEVICES", "0") in ("", "-1"):
        yield Fact("GPU", "CUDA_VISIBLE_DEVICES", "hides all cards", "a search with GPUs per candidate finds none")


def folders() -> Iterator[Fact]:
    """Yield the home folder, the working directory and the folders of temporary files."""
    home = writable_home()
    yield Fact("folders", "home", "none that can be written" if home is None else str(home))
    try:
        here = Path.cwd()
    except OSError:
        yield Fact("folders", "working directory", "deleted", "change into another folder")
    else:
        yield _folder("working directory", here, "give --database and --output elsewhere")
        for name in _SHADOWED:
            for path in (here / f"{name}.py", here / name / "__init__.py"):
                if path.is_file() and Path(__file__).parents[2] != here:
                    yield Fact("folders", path.name, str(path), f"hides the package {name!r}: rename it")
    try:
        temporary = Path(tempfile.gettempdir())
    except OSError:
        yield Fact("folders", "temporary files", "none", "no folder for temporary files can be written: set TMPDIR")
    else:
        yield _folder("temporary files", temporary, "set TMPDIR to another folder")
    yield _folder("files of Ray", Path("/tmp"), "Ray cannot start without it")  # noqa: S108


def network(variables: Mapping[str, str]) -> Iterator[Fact]:
    """Yield whether processes can connect to each other, and what is set for Ray."""
    from tuner.execution.executor import ClusterUnavailable
    from tuner.execution.loopback import check_loopback

    try:
        check_loopback()
    except ClusterUnavailable as error:
        yield Fact("network", "loopback", "down", str(error))
    else:
        yield Fact("network", "loopback", "up")
    token = bool(variables.get("RAY_AUTH_TOKEN") or variables.get("RAY_AUTH_TOKEN_PATH"))
    yield Fact("network", "token of a cluster", "set in the environment" if token else "not set in the environment")
    if remark := unused_by_a_local_ray(variables):
        yield Fact("network", "variables of Ray", "not all are used", remark)


def text(encoding: str) -> Iterator[Fact]:
    """Yield the encodings of output and of file names."""
    lacking = None
    try:
        "→ ± σ".encode(encoding)
    except (UnicodeError, LookupError):
        lacking = "lacks characters of our tables, which are printed as ?: set PYTHONIOENCODING=utf-8"
    yield Fact("text", "standard output", encoding, lacking)
    yield Fact("text", "file names", sys.getfilesystemencoding())
    yield Fact("text", "locale", ".".join(part or "none" for part in locale.getlocale()))


def keras() -> Iterator[Fact]:
    """Yield settings of Keras and of XLA that are not used."""
    from tuner.training.keras_settings import unused_backend
    from tuner.training.tensorflow_variables import unused_variables
    from tuner.training.xla_settings import unused_flags

    yield Fact("Keras", "backend", "tensorflow", unused_backend())
    yield Fact("Keras", "flags of XLA", "lodo-tune's own", unused_flags())
    if remark := unused_variables():
        yield Fact("Keras", "variables", "not all are used", remark)


def shown_variables(variables: Mapping[str, str]) -> Iterator[Fact]:
    """Yield the environment variables that matter, without passwords and tokens."""
    for name, value in sorted(variables.items()):
        if _SHOWN.fullmatch(name) and not _SECRET.search(name):
            yield Fact("variables", name, _without_login(name, value))
        elif _NAMED.fullmatch(name):
            yield Fact("variables", name, "set; the value is not shown")


def _without_login(name: str, value: str) -> str:
    if name == "LODO_TUNE_DATABASE":
        from tuner.storage import BadUrl, maintenance

        try:
            return maintenance.shown(value) if value else ""
        except BadUrl:
            return "set; not the URL of a database"
    return _LOGIN.sub(r"\1***@", value)


def _folder(name: str, path: Path, advice: str) -> Fact:
    try:
        tempfile.TemporaryFile(dir=path).close()
        free = shutil.disk_usage(path).free / GIB
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return Fact("folders", name, str(path), f"nothing can be written there ({reason}): {advice}")
    return Fact("folders", name, f"{path}, {free:.1f} GiB free", _too_little(free, advice))


def _too_little(gibibytes: float, advice: str) -> str | None:
    return f"less than {MIN_FREE:g} GiB: {advice}" if gibibytes < MIN_FREE and math.isfinite(gibibytes) else None
