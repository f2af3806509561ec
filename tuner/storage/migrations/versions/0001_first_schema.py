"""First schema: studies, candidates, attempts, evaluations and curves.

The tables are written out here instead of imported from `tuner.storage.tables`, because that module will change.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _candidate_id(table: str, *, primary_key: bool = False) -> list[sa.schema.SchemaItem]:
    items: list[sa.schema.SchemaItem] = [sa.Column("candidate_id", sa.Integer(), nullable=False)]
    if primary_key:
        items.append(sa.PrimaryKeyConstraint("candidate_id", name=f"pk_{table}"))
    name = f"fk_{table}_candidate_id"
    items.append(sa.ForeignKeyConstraint(["candidate_id"], ["candidates.id"], name=name, ondelete="CASCADE"))
    return items


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "studies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.String(64), nullable=False),
        sa.Column("optimizer", sa.String(64), nullable=False),
        sa.Column("task", sa.String(255), nullable=False),
        sa.Column("strategy", sa.String(64), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("generations", sa.Integer(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column("fresh_seeds", sa.Integer(), nullable=False),
        sa.Column("sigmas", sa.JSON(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("cohort_size", sa.Integer(), nullable=False),
        sa.Column("threads", sa.Integer(), nullable=False),
        sa.Column("precision", sa.String(16)),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("data", sa.JSON()),
        sa.Column("space", sa.JSON(), nullable=False),
        sa.Column("versions", sa.JSON(), nullable=False),
        sa.Column("hardware", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("finished_at", sa.String(32)),
        sa.Column("tuned", sa.JSON()),
        sa.Column("tuned_genome", sa.JSON()),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(255)),
        sa.Column("owner_machine", sa.String(128)),
        sa.Column("owner_started", sa.BigInteger()),
        sa.Column("lease_seconds", sa.Double()),
        sa.Column("renewed_at", sa.Double()),
        sa.Column("renewed_uptime", sa.Double()),
        sa.PrimaryKeyConstraint("id", name="pk_studies"),
        sa.UniqueConstraint("run", "optimizer", name="uq_studies_run_optimizer"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "candidates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("genome", sa.JSON(), nullable=False),
        sa.Column("hyperparameters", sa.JSON(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("late_results", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_candidates"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_candidates_study_id", ondelete="CASCADE"),
        sa.UniqueConstraint(
            "study_id", "role", "generation", "slot", name="uq_candidates_study_id_role_generation_slot"
        ),
        sa.CheckConstraint(
            "status IN ('waiting', 'running', 'finished', 'diverged', 'failed', 'timed out')",
            name=op.f("ck_candidates_status"),
        ),
    )
    op.create_index("ix_candidates_study_id_role_status", "candidates", ["study_id", "role", "status"])
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        *_candidate_id("attempts"),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("node", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.String(32), nullable=False),
        sa.Column("ended_at", sa.String(32)),
        sa.Column("outcome", sa.String(16)),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
        sa.UniqueConstraint("candidate_id", "epoch", "number", name="uq_attempts_candidate_id_epoch_number"),
    )
    op.create_table(
        "evaluations",
        *_candidate_id("evaluations", primary_key=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("fitness", sa.Double(), nullable=False),
        sa.Column("steps_done", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("node", sa.String(255), nullable=False),
        sa.Column("device", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "status IN ('finished', 'diverged', 'failed', 'timed out')", name=op.f("ck_evaluations_status")
        ),
    )
    op.create_table(
        "curves",
        *_candidate_id("curves", primary_key=True),
        sa.Column("dtype", sa.String(8), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("curves", "evaluations", "attempts", "candidates", "studies"):
        op.drop_table(table)
