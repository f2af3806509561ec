"""Comparisons: a column for their specification, and a table of observations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and the table; all existing studies are searches."""
    op.add_column("studies", sa.Column("comparison", sa.JSON()))
    op.create_table(
        "observations",
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column("split", sa.String(16), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("dtype", sa.String(8), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("candidate_id", "split", "name", name="pk_observations"),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidates.id"], name="fk_observations_candidate_id", ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    """Drop the column and the table, and delete all comparisons."""
    op.drop_table("observations")
    studies = sa.table("studies", sa.column("id"), sa.column("comparison"))
    candidates = sa.table("candidates", sa.column("id"), sa.column("study_id"))
    compared = sa.select(studies.c.id).where(studies.c.comparison.is_not(None))
    trained = sa.select(candidates.c.id).where(candidates.c.study_id.in_(compared))
    for name in ("curves", "evaluations", "attempts"):  # one by one: foreign keys are off meanwhile
        table = sa.table(name, sa.column("candidate_id"))
        op.execute(sa.delete(table).where(table.c.candidate_id.in_(trained)))
    op.execute(sa.delete(candidates).where(candidates.c.study_id.in_(compared)))
    op.execute(sa.delete(studies).where(studies.c.comparison.is_not(None)))
    op.drop_column("studies", "comparison")
