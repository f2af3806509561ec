"""Fingerprints of users' code.

Existing studies have none.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("studies", sa.Column("code", sa.JSON()))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("studies", "code")
