"""Resources of a run: accepted values, and how many workers fit on this machine."""

from pathlib import Path

import pytest

from tuner.core.errors import InvalidRequest
from tuner.execution.resources import Resources, usable_cores


@pytest.mark.parametrize(
    ("field", "value", "accepted"),
    [
        ("workers", 0, "is at least 1"),
        ("cpus_per_candidate", 0, "is at least 1"),
        ("max_attempts", 0, "is at least 1"),
        ("timeout", 0.0, "is a positive number of seconds"),
        ("timeout", float("nan"), "is a positive number of seconds"),
        ("memory_per_candidate", 0.0, "is a number of gigabytes, at least 0.01"),
        ("memory_per_candidate", float("nan"), "is a number of gigabytes, at least 0.01"),
        ("gpus_per_candidate", -1.0, "is at least 0"),
        ("gpus_per_candidate", float("nan"), "is at least 0"),
        ("gpus_per_candidate", float("inf"), "is at least 0"),
        ("gpus_per_candidate", 1.5, "is a share such as 0.25, or a whole number"),
    ],
)
def test_a_value_out_of_range_is_refused_with_the_name_of_its_field(field, value, accepted):
    with pytest.raises(InvalidRequest, match=accepted) as caught:
        Resources(**{field: value}).check()
    assert caught.value.field == field


def test_a_limit_of_memory_is_refused_where_no_training_function_would_observe_it():
    Resources(memory_per_candidate=4.0).check_for(is_function=True)
    Resources().check_for(is_function=False)
    with pytest.raises(InvalidRequest, match=r"^memory_per_candidate: only candidates of a training function have"):
        Resources(memory_per_candidate=4.0).check_for(is_function=False)


@pytest.mark.parametrize("gpus", [0, 0.25, 1, 2])
def test_fractions_and_whole_numbers_of_gpus_are_accepted(gpus):
    Resources(gpus_per_candidate=gpus).check()


def test_a_local_ray_has_as_many_workers_as_fit_unless_a_number_is_requested():
    assert Resources().local_workers == usable_cores()
    assert Resources(cpus_per_candidate=10 * usable_cores()).local_workers == 1
    assert Resources(workers=3).local_workers == 3


def test_keyword_arguments_of_the_python_api_become_resources_without_a_dashboard():
    resources = Resources.of({"workers": 2, "data_dir": "somewhere"})
    assert resources == Resources(workers=2, data_dir=Path("somewhere"), dashboard=False)
    assert Resources.of({"dashboard": True}).dashboard


def test_an_unknown_keyword_is_refused_by_its_name():
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'wrokers'.*workers, cpus_per_candidate"):
        Resources.of({"wrokers": 2})
