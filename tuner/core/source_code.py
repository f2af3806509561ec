"""Hashes of the source code that a module consists of.

A hash covers what runs: the tokens of a file without comments, blank lines and spaces. Which files belong to a module
is read from their `import` statements; nothing is imported or run. Installed packages do not belong to it, because
their versions are recorded, except for the package that the module itself is part of.
"""

from __future__ import annotations

import ast
import hashlib
import io
import sysconfig
import tokenize
from collections.abc import Iterator
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

MAIN = "(main)"
"""Label of the module itself, whose name may change when its file is moved; others are labelled by their full names."""

OURS = frozenset(("tuner", "lodo", "tasks", "search_spaces"))
_LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER}


def source_hashes(path: Path, module: str | None = None) -> dict[str, str]:
    """Return the sha256 of a module's file and of each of the user's own files that it imports, also indirectly.

    Args:
        path: The module's file.
        module: Its full name, "package.module". Default: it is no part of a package.

    Returns:
        Hashes in hexadecimal by label, `MAIN` first.

    Raises:
        OSError: The file cannot be read.
    """
    own = (module or "").partition(".")[0]
    hashes = {MAIN: _hash(path)}
    waiting = [(path, module)]
    seen = {path.resolve()}
    while waiting:
        file, name = waiting.pop()
        for imported in _imports(file, name):
            for spec in _specs(imported):
                origin = Path(spec.origin) if spec.origin and spec.has_location else None
                if origin is None or origin.resolve() in seen or not origin.is_file():
                    continue
                if spec.name.partition(".")[0] != own and _is_installed(origin):
                    break
                seen.add(origin.resolve())
                hashes[spec.name] = _hash(origin)
                waiting.append((origin, spec.name))
    return hashes


def _hash(path: Path) -> str:
    stamp = path.stat()
    return _hash_of(path, stamp.st_mtime_ns, stamp.st_size)


@lru_cache(maxsize=4096)
def _hash_of(path: Path, modified: int, size: int) -> str:
    """Return the hash of a file; computed again when the file has changed."""
    del modified, size
    content = path.read_bytes()
    digest = hashlib.sha256()
    try:
        for token in tokenize.tokenize(io.BytesIO(content).readline):
            if token.type not in _LAYOUT:
                text = "" if token.type in (tokenize.INDENT, tokenize.DEDENT, tokenize.NEWLINE) else token.string
                digest.update(f"{tokenize.tok_name[token.type]} {text}\n".encode("utf-8", "surrogatepass"))
    except (tokenize.TokenError, SyntaxError, UnicodeError):  # an extension module, for example
        digest = hashlib.sha256(content)
    return digest.hexdigest()


def _imports(path: Path, module: str | None) -> Iterator[str]:
    """Yield the full names of what a file imports; of `from a import b` both a and a.b, which may be a module."""
    if path.suffix != ".py":
        return
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    package = (module or "").split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level > len(package):
                continue  # beyond the top of the package: it raises when it is run
            parents = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _specs(name: str) -> Iterator[ModuleSpec]:
    """Yield the specifications of a module and of the packages around it, outermost first, as far as they exist."""
    if name.partition(".")[0] in OURS:
        return
    places, parts = None, name.split(".")
    for depth in range(1, len(parts) + 1):
        try:
            spec = PathFinder.find_spec(".".join(parts[:depth]), places)
        except (ImportError, ValueError, KeyError):  # KeyError: within a package without __init__.py
            return
        if spec is None:
            return
        yield spec
        if spec.submodule_search_locations is None:
            return
        places = list(spec.submodule_search_locations)


@lru_cache(maxsize=1)
def _installed_folders() -> tuple[Path, ...]:
    return tuple(Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib", "stdlib", "platstdlib"))


def _is_installed(path: Path) -> bool:
    real = path.resolve()
    is_package = not {"site-packages", "dist-packages"}.isdisjoint(real.parts)
    return is_package or any(real.is_relative_to(folder) for folder in _installed_folders())
