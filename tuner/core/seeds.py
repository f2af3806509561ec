"""Seeds, derived from a study's seed and a candidate's key."""

from __future__ import annotations

import hashlib

from tuner.core.trial import Key, Role

MAX_SEED = 2**63 - 1  # seeds are stored in 64 bits


def derive(*parts: int | str) -> int:
    """Return a number in [0, 2**63) that depends only on the parts; different parts give unrelated numbers."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def trial_seed(study_seed: int, key: Key, seed_block: int | None = None, replicate: int = 0) -> int:
    """Return the seed of a candidate's training.

    It depends on the seed of the study and on the candidate's key, not on the optimizer: candidates of the same slot
    have the same starting point and the same minibatches for all optimizers. The default hyperparameters and the tuned
    point share their fresh seeds, so that they can be compared in pairs.

    Args:
        study_seed: Seed of the study.
        key: Key of the candidate.
        seed_block: Number of the block of candidates of a search that share their seeds (common random numbers). With
            None, each candidate has a seed of its own.
        replicate: Number of the seed within its block.
    """
    if key.role is Role.SEARCH and seed_block is not None:
        return derive(study_seed, "block", seed_block, replicate)
    if key.role is Role.SEARCH:
        return derive(study_seed, "search", key.generation, key.slot)
    return derive(study_seed, "fresh", key.slot)


def strategy_seed(study_seed: int, optimizer: str) -> int:
    """Return the seed of the strategy of a study."""
    return derive(study_seed, "strategy", optimizer)


def lane_seeds(seed: int, purpose: str) -> tuple[int, int]:
    """Return a seed for TensorFlow's stateless generators, a pair of int32, for one purpose of a trial."""
    word = derive(seed, purpose)
    return (word & 0xFFFFFFFF) - 2**31, (word >> 31) - 2**31
