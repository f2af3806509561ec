"""Several stores of one process on one SQLite file: each keeps the locks that other processes respect."""

import subprocess
import sys

import pytest

from tests.support.store_values import driven
from tuner.storage import NotOurs, Store, maintenance

USE_AND_CLOSE = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT 1 FROM studies'); c.close()"


def test_opening_a_file_again_keeps_the_locks_of_the_store_that_has_it_open(tmp_path):
    # POSIX drops all locks of a process on a file when it closes any descriptor of it. Another process would take
    # itself for the last user then, and delete the log that this one still writes to.
    file = tmp_path / "runs.db"
    with Store.open(str(file)) as first:
        study, epoch = driven(first)
        with Store.open(str(file)) as second:
            maintenance.version(str(file))
            subprocess.run([sys.executable, "-c", USE_AND_CLOSE, str(file)], check=True)
            assert file.with_name("runs.db-wal").exists()
            first.add_note(study, epoch, "still here")
            assert second.study(study).notes == ("still here",)
        first.add_note(study, epoch, "after the second was closed")
    with Store.open(str(file)) as again:
        assert again.study(study).notes == ("still here", "after the second was closed")
        assert again.check().faults == ()


def test_a_file_that_replaces_a_database_is_recognised_for_what_it_is(tmp_path):
    file = tmp_path / "runs.db"
    Store.open(str(file)).close()
    file.write_text("not a database any more, but a text that is longer than the header of one " * 3)
    with pytest.raises(NotOurs, match="is not a SQLite database"):
        Store.open(str(file))
