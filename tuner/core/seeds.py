"""Seeds, derived from the study's seed and a candidate's key; never from time."""

from __future__ import annotations

import hashlib

from tuner.core.trial import Key, Role

MAX_SEED = 2**63 - 1  # seeds are stored in 64 bits


def derive(*parts: int | str) -> int:
    """Return a number in [0, 2**63) that depends on these parts alone; other parts give unrelated numbers."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def trial_seed(study_seed: int, key: Key, seed_block: int | None = None) -> int:
    """Return the seed of a candidate's training.

    It depends on the study's seed and the candidate's slot, not on the optimizer: the individuals of one slot have the
    same starting point and the same minibatches for all optimizers. The defaults and the tuned point share their fresh
    seeds, so that they are compared in pairs.

    Args:
        study_seed: The study's seed.
        key: The candidate's.
        seed_block: Candidates of a search in one block share their seed (common random numbers); None: each candidate
            has a seed of its own.
    """
    if key.role is Role.SEARCH and seed_block is not None:
        return derive(study_seed, "block", seed_block)
    if key.role is Role.SEARCH:
        return derive(study_seed, "search", key.generation, key.slot)
    return derive(study_seed, "fresh", key.slot)


def strategy_seed(study_seed: int, optimizer: str) -> int:
    """Return the seed of a study's strategy."""
    return derive(study_seed, "strategy", optimizer)


def lane_seeds(seed: int, purpose: str) -> tuple[int, int]:
    """Return the pair of int32 that TensorFlow's stateless generators take, for a purpose of a trial."""
    word = derive(seed, purpose)
    return (word & 0xFFFFFFFF) - 2**31, (word >> 31) - 2**31
