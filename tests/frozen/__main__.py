"""Freezes today's schema; see the package."""

from __future__ import annotations

import subprocess
import sys

from tests.frozen import FOLDER, fill
from tests.support.postgresql import Server, server_programs
from tuner.storage import ServiceStore

version = sys.argv[1]
with ServiceStore.open(str(FOLDER / f"{version}.db")) as store:
    fill(store, version)
server = Server(server_programs() or sys.exit("PostgreSQL's server programs are not installed"))
server.start()
try:
    url = server.url(server.create_database())
    with ServiceStore.open(url) as store:
        fill(store, version)
    dump = subprocess.run(
        ["pg_dump", "--inserts", "--no-owner", "--no-privileges", url], check=True, capture_output=True, text=True
    )
    lines = [line for line in dump.stdout.splitlines() if line and not line.startswith(("--", "\\"))]
    (FOLDER / f"{version}.sql").write_text("\n".join(lines) + "\n", encoding="utf-8")
finally:
    server.remove()
