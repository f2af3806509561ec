"""Folders of Ray sessions: none outlives the session after the one that was killed."""

import os
import subprocess
import sys

from tuner.execution.ray.folder import make_folder, remove_folder

HOLD = "import sys, time; from pathlib import Path; from tuner.execution.ray.folder import make_folder; "


def test_a_folder_of_a_killed_driver_is_removed_by_the_next_and_one_of_a_living_driver_is_not(tmp_path):
    program = HOLD + "print(make_folder(Path(sys.argv[1])), flush=True); time.sleep(600)"
    command = [sys.executable, "-c", program, str(tmp_path)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as killed,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as living,
    ):
        left, kept = killed.stdout.readline().strip(), living.stdout.readline().strip()
        killed.kill()
        killed.wait()
        ours = make_folder(tmp_path)
        assert {str(path) for path in tmp_path.iterdir()} == {kept, str(ours)}
        living.kill()
    assert left != kept
    remove_folder(ours)
    remove_folder(ours)
    assert not ours.exists()


def test_what_merely_looks_like_such_a_folder_is_left_alone(tmp_path):
    (tmp_path / "lodo-ray-mine").mkdir()
    (tmp_path / "lodo-ray-notes").write_text("of somebody")
    remove_folder(make_folder(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"lodo-ray-mine", "lodo-ray-notes"}


def test_what_ray_made_once_more_while_it_ended_is_removed_after_a_while(tmp_path):
    (tmp_path / "lodo-ray-left" / "ray").mkdir(parents=True)
    remove_folder(make_folder(tmp_path))
    assert (tmp_path / "lodo-ray-left").exists()
    os.utime(tmp_path / "lodo-ray-left", (1e9, 1e9))
    remove_folder(make_folder(tmp_path))
    assert not (tmp_path / "lodo-ray-left").exists()


def test_a_folder_is_closed_to_others(tmp_path):
    folder = make_folder(tmp_path)
    assert folder.stat().st_mode & 0o077 == 0
    remove_folder(folder)
