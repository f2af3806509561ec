"""The order in which processes of pytest-xdist begin files and pages."""

from tests.conftest import weight

SEARCH = "tests/documents/test_sessions.py::test_it[docs/a.md-lodo-tune --task rosenbrock --name a]"
SHOWN = "tests/documents/test_sessions.py::test_it[docs/b.md-lodo-tune show a]"


def test_what_starts_ray_is_begun_first_then_pages_with_searches_then_files_by_the_number_of_tests():
    scopes = {
        "tests/one.py": ["tests/one.py::test_a"],
        "tests/three.py": [f"tests/three.py::test_{name}" for name in "abc"],
        "docs/a.md": [SEARCH],
        "docs/b.md": [SHOWN, f"{SHOWN} --json"],
        "ray": ["tests/cli/test_runs.py::test_a"],
    }
    order = sorted(scopes, key=lambda scope: weight(scope, scopes[scope]), reverse=True)
    assert order == ["ray", "docs/a.md", "tests/three.py", "docs/b.md", "tests/one.py"]
