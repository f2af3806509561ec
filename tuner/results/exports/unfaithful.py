"""Why an optimizer is not exported where a library seems to have it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_LBFGS = MappingProxyType(
    {
        "torch": "torch.optim.LBFGS scales its first step by the gradient's norm and passes over pairs of little "
        "curvature",
        "optax": "optax.lbfgs scales its first step by the gradient's norm and takes its pairs across minibatches",
    }
)
_BFGS = MappingProxyType(dict.fromkeys(("torch", "optax"), "what it has is L-BFGS, of limited memory"))
_NADAM = MappingProxyType({"optax": "optax.nadam has no warm-up of the momentum"})
_REASONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {"BFGS": _BFGS, "L-BFGS": _LBFGS, "O-LBFGS": _LBFGS, "keras:Nadam": _NADAM}
)


def reason(format: str, optimizer: str) -> str:
    """Return in brackets why a format does not have an optimizer; "" where there is nothing that looks like it."""
    why = _REASONS.get(optimizer, {}).get(format)
    return "" if why is None else f" ({why})"
