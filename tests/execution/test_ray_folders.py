"""Folders of Ray sessions: those of killed drivers are removed by the next session."""

import os
import shutil
import subprocess
import sys
from unittest import mock

from tuner.execution.ray.folder import make_folder, remove_folder

IMPORTS = "import sys, time; from pathlib import Path; from tuner.execution.ray.folder import make_folder; "


def test_folders_of_killed_drivers_are_removed_and_those_of_running_drivers_are_kept(tmp_path):
    program = IMPORTS + "print(make_folder(Path(sys.argv[1])), flush=True); time.sleep(600)"
    command = [sys.executable, "-c", program, str(tmp_path)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as killed,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running,
    ):
        removed, kept = killed.stdout.readline().strip(), running.stdout.readline().strip()
        killed.kill()
        killed.wait()
        new = make_folder(tmp_path)
        assert {str(path) for path in tmp_path.iterdir()} == {kept, str(new)}
        running.kill()
    assert removed != kept
    remove_folder(new)
    remove_folder(new)
    assert not new.exists()


def test_a_folder_that_a_process_writes_into_while_it_is_removed_is_removed_again(tmp_path):
    folder = make_folder(tmp_path)
    remove = shutil.rmtree

    def remove_beside_a_writer(path, **options):
        remove(path, **options)
        if removal.call_count == 1:
            (folder / "logs").mkdir(parents=True)

    with mock.patch("shutil.rmtree", side_effect=remove_beside_a_writer) as removal:
        remove_folder(folder)
    assert not folder.exists()


def test_other_files_and_folders_with_a_similar_name_are_kept(tmp_path):
    (tmp_path / "lodo-ray-mine").mkdir()
    (tmp_path / "lodo-ray-notes").write_text("notes")
    remove_folder(make_folder(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"lodo-ray-mine", "lodo-ray-notes"}


def test_an_unlocked_folder_is_removed_once_it_is_old(tmp_path):
    (tmp_path / "lodo-ray-left" / "ray").mkdir(parents=True)
    remove_folder(make_folder(tmp_path))
    assert (tmp_path / "lodo-ray-left").exists()
    os.utime(tmp_path / "lodo-ray-left", (1e9, 1e9))
    remove_folder(make_folder(tmp_path))
    assert not (tmp_path / "lodo-ray-left").exists()


def test_a_folder_is_accessible_to_its_owner_only(tmp_path):
    folder = make_folder(tmp_path)
    assert folder.stat().st_mode & 0o077 == 0
    remove_folder(folder)
