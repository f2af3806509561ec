"""Counts of the changes of studies.

Those of existing studies begin at 0.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, with a row for each study."""
    op.create_table(
        "changes",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("study_id", name="pk_changes"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_changes_study_id", ondelete="CASCADE"),
    )
    op.execute("INSERT INTO changes (study_id, number) SELECT id, 0 FROM studies")


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("changes")
