"""Candidates that were ended early: the status "pruned".

Existing candidates have other ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_FINAL = ("finished", "diverged", "failed", "timed out")
_ALL = ("waiting", "running", *_FINAL)


def upgrade() -> None:
    """Accept the status."""
    _accept("candidates", (*_ALL, "pruned"))
    _accept("evaluations", (*_FINAL, "pruned"))


def downgrade() -> None:
    """Make failures of such candidates, with their reasons, and refuse the status."""
    for name, column in (("candidates", "status"), ("evaluations", "status"), ("attempts", "outcome")):
        table = sa.table(name, sa.column(column))
        op.execute(sa.update(table).where(table.c[column] == "pruned").values({column: "failed"}))
    _accept("candidates", _ALL)
    _accept("evaluations", _FINAL)


def _accept(name: str, statuses: Sequence[str]) -> None:
    """Replace the constraint on the status of a table."""
    with op.batch_alter_table(name) as batch:
        batch.drop_constraint(op.f(f"ck_{name}_status"), type_="check")
        batch.create_check_constraint(
            op.f(f"ck_{name}_status"), f"status IN ({', '.join(repr(status) for status in statuses)})"
        )
