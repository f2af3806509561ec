"""Searches on several tasks.

Existing studies have one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("studies", sa.Column("further_tasks", sa.JSON()))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("studies", "further_tasks")
