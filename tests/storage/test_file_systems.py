"""SQLite on file systems without a write-ahead log, or of a network: it works, and is said."""

import sqlite3

import pytest

from tests.support.store_values import driven, keys
from tuner.storage import Store
from tuner.storage.sqlite_file import network_file_system, remark

MOUNTS = """rootfs / ext4 rw 0 0
server:/home /home nfs4 rw,vers=4.2 0 0
/dev/sdb1 /home/scratch xfs rw 0 0
me@host:/ /media/my\\040disk fuse.sshfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/studies.db", "nfs4"),
        ("/home/scratch/studies.db", None),
        ("/media/my disk/a.db", "fuse.sshfs"),
        ("/var/studies.db", None),
    ],
)
def test_a_network_file_system_is_recognised_by_the_mount_that_holds_the_file(path, kind, tmp_path):
    from pathlib import Path

    (tmp_path / "mounts").write_text(MOUNTS)
    assert network_file_system(Path(path), tmp_path / "mounts") == kind


def test_a_database_on_a_local_disk_has_a_log_and_no_remark(tmp_path):
    with Store.open(str(tmp_path / "studies.db")) as store:
        assert (store.journal_mode, store.remark) == ("wal", None)


def test_without_a_write_ahead_log_everything_is_recorded_and_the_remark_says_so(tmp_path, monkeypatch):
    connect = sqlite3.connect

    def without_shared_memory(name, **options):  # SQLite's own locks by a file, which have no write-ahead log
        return connect(f"{name}&vfs=unix-dotfile" if "?" in str(name) else name, **options)

    monkeypatch.setattr(sqlite3, "connect", without_shared_memory)
    with Store.open(str(tmp_path / "studies.db")) as store:
        driven(store, add=keys())
        assert len(store.studies()) == 1
        assert store.journal_mode == "delete"
        assert "has no write-ahead log" in store.remark


def test_a_remark_names_the_file_and_a_way_out(tmp_path):
    text = remark(tmp_path / "studies.db", "delete")
    assert str(tmp_path / "studies.db") in text
    assert text.endswith("use a folder on a local disk, or PostgreSQL")
