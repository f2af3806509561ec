"""The pause of Python's garbage collection."""

import gc

import pytest

from tuner.core.garbage_collection import without_collection


def fails_without_collection():
    assert not gc.isenabled()
    raise ImportError


@pytest.mark.parametrize("was_enabled", [True, False])
def test_collection_is_off_in_the_context_and_afterwards_as_before_also_after_an_error(was_enabled):
    before, frozen = gc.isenabled(), gc.get_freeze_count()
    (gc.enable if was_enabled else gc.disable)()
    try:
        with pytest.raises(ImportError), without_collection():
            fails_without_collection()
        assert gc.isenabled() == was_enabled
        assert gc.get_freeze_count() == frozen
    finally:
        (gc.enable if before else gc.disable)()


def test_what_a_process_has_frozen_stays_frozen():
    was_frozen = gc.get_freeze_count()
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with without_collection():
            pass
        assert gc.get_freeze_count() == frozen > 0
    finally:
        if not was_frozen:
            gc.unfreeze()
