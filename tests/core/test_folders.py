"""Output folders are checked before long work starts."""

from pathlib import Path

import pytest

from tuner.core.errors import InvalidRequest
from tuner.core.folders import check_writable


def test_a_name_that_is_too_long_is_refused_in_one_line_of_bounded_length(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"nothing can be written to .*: File name too long$") as caught:
        check_writable("output", tmp_path / ("x" * 1000))
    assert len(str(caught.value)) < 400


def test_a_link_that_leads_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InvalidRequest, match=r"nothing can be written to .*"):
        check_writable("output", tmp_path / "loop")
    assert [path.name for path in tmp_path.iterdir()] == ["loop"]
