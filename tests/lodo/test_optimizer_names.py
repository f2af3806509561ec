"""Names of optimizers that are given as classes."""

import keras
import pytest

import lodo.keras
from lodo import keras_adapter, registry


@pytest.mark.parametrize("name", registry.OPTIMIZERS)
def test_the_class_of_a_built_in_optimizer_has_the_optimizers_name(name):
    assert registry.name_of(registry.load(name)) == name


@pytest.mark.parametrize("name", keras_adapter.names())
def test_a_class_of_keras_has_its_name_with_the_prefix(name):
    assert registry.name_of(getattr(keras.optimizers, name.removeprefix("keras:"))) == name


class Mine(keras.optimizers.Adam):
    """A user's own optimizer."""


@pytest.mark.parametrize(
    "given", [Mine, lodo.keras.LODO, keras.optimizers.Optimizer, keras.optimizers.Adam(), keras.Model, object, 7, None]
)
def test_what_is_neither_built_in_nor_of_keras_has_no_name(given):
    assert registry.name_of(given) is None
