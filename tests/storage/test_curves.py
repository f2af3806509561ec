"""Lossless encoding and decoding of curves."""

from __future__ import annotations

import dataclasses
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tuner.storage import Damaged
from tuner.storage.curves import EncodedCurve, decode, encode

ANY_BITS = st.sampled_from(["float32", "float64"]).flatmap(
    # Every bit pattern must be kept: subnormals, both zeros, infinities, NaNs with any payload.
    lambda dtype: hnp.arrays(f"uint{dtype[5:]}", st.integers(0, 50)).map(lambda bits: bits.view(dtype))
)


@given(ANY_BITS)
def test_decoding_restores_a_curve_bit_for_bit(losses: np.ndarray[Any, Any]) -> None:
    decoded = decode(encode(losses))
    assert decoded.dtype == losses.dtype
    assert decoded.tobytes() == losses.tobytes()


def test_a_sequence_of_numbers_becomes_float64() -> None:
    decoded = decode(encode([1, 0.1 + 0.2, float("inf")]))
    assert decoded.dtype == np.float64
    assert decoded.tolist() == [1.0, 0.1 + 0.2, float("inf")]


@pytest.mark.parametrize("losses", [np.arange(10.0)[::3], np.arange(3, dtype=">f8"), np.arange(3, dtype=">f4")])
def test_strides_and_byte_order_do_not_matter(losses: np.ndarray[Any, Any]) -> None:
    decoded = decode(encode(losses))
    assert decoded.tolist() == losses.tolist()
    assert decoded.dtype.itemsize == losses.dtype.itemsize


def test_an_empty_curve_can_be_encoded() -> None:
    assert decode(encode([])).shape == (0,)


def test_encoded_data_are_shuffled_little_endian_bytes() -> None:
    # 1.0 and 2.0 in float32 are 00 00 80 3f and 00 00 00 40, lowest byte first.
    encoded = encode(np.array([1.0, 2.0], np.float32))
    assert (encoded.dtype, encoded.length) == ("float32", 2)
    assert zlib.decompress(encoded.data) == bytes([0, 0, 0, 0, 0x80, 0, 0x3F, 0x40])


def test_shuffling_improves_the_compression_of_a_typical_curve() -> None:
    rng = np.random.default_rng(0)
    losses = (np.exp(-np.arange(10_000) / 3000) * (1 + 0.01 * rng.normal(size=10_000))).astype(np.float32)
    stored = len(encode(losses).data)
    assert stored < len(zlib.compress(losses.tobytes(), 1))
    assert stored < 0.85 * losses.nbytes


@pytest.mark.parametrize("losses", [np.zeros((2, 2)), 1.0, np.array([1j]), np.array(["1"]), np.array([True]), [None]])
def test_values_other_than_a_vector_of_real_numbers_are_refused(losses: Any) -> None:
    with pytest.raises(ValueError, match="one-dimensional"):
        encode(losses)


GOOD = encode(np.arange(100.0))


@pytest.mark.parametrize(
    "bad",
    [
        dataclasses.replace(GOOD, data=GOOD.data[:-9]),
        dataclasses.replace(GOOD, data=b"garbage"),
        dataclasses.replace(GOOD, data=b""),
        dataclasses.replace(GOOD, length=99),
        dataclasses.replace(GOOD, length=101),
        dataclasses.replace(GOOD, length=-1),
        dataclasses.replace(GOOD, dtype="float32"),
        dataclasses.replace(GOOD, dtype="object"),
        EncodedCurve("float64", 1, zlib.compress(bytes(100_000_000))),  # 100 kB that decompress to 100 MB
    ],
)
def test_damaged_data_raise_damaged_without_filling_the_memory(bad: EncodedCurve) -> None:
    with pytest.raises(Damaged):
        decode(bad)
