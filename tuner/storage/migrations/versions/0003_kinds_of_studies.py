"""Kinds of studies (search or comparison), strategy parameters and objectives.

A search stores the parameters of its strategy; a comparison has none.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_STUDIES = sa.table(
    "studies",
    sa.column("id", sa.Integer),
    sa.column("kind", sa.String),
    sa.column("strategy", sa.String),
    sa.column("generations", sa.Integer),
    sa.column("fresh_seeds", sa.Integer),
    sa.column("sigmas", sa.JSON),
    sa.column("parameters", sa.JSON(none_as_null=True)),
    sa.column("comparison", sa.JSON(none_as_null=True)),
    sa.column("objective", sa.JSON),
)
_TRAINING_LOSS = {"metric": "training-loss", "direction": "min", "reduction": "mean", "window": 0.1}
_SEQUENCE = sa.table("sqlite_sequence", sa.column("name"), sa.column("seq"))


def upgrade() -> None:
    """Replace σ by the parameters of a strategy; columns that only searches have become NULL in comparisons."""
    last_id = _last_id()
    with op.batch_alter_table("studies", table_kwargs={"sqlite_autoincrement": True}) as studies:
        studies.add_column(sa.Column("kind", sa.String(16)))
        studies.add_column(sa.Column("parameters", sa.JSON()))
        studies.add_column(sa.Column("objective", sa.JSON()))
        studies.alter_column("strategy", existing_type=sa.String(64), nullable=True)
        studies.alter_column("fresh_seeds", existing_type=sa.Integer(), nullable=True)
    connection = op.get_bind()
    is_search = _STUDIES.c.comparison.is_(None)
    for study in connection.execute(sa.select(_STUDIES.c.id, _STUDIES.c.sigmas).where(is_search)).all():
        values = {"kind": "search", "parameters": {"sigmas": study.sigmas}}
        connection.execute(sa.update(_STUDIES).where(_STUDIES.c.id == study.id).values(values))
    connection.execute(sa.update(_STUDIES).values(objective=_TRAINING_LOSS))
    nothing = {"kind": "comparison", "strategy": None, "fresh_seeds": None}
    connection.execute(sa.update(_STUDIES).where(~is_search).values(nothing))
    with op.batch_alter_table("studies", table_kwargs={"sqlite_autoincrement": True}) as studies:
        studies.alter_column("kind", existing_type=sa.String(16), nullable=False)
        studies.alter_column("objective", existing_type=sa.JSON(), nullable=False)
        studies.drop_column("sigmas")
    _keep_counting(last_id)


def downgrade() -> None:
    """Restore σ, 0 where a strategy has none; comparisons become searches of the strategy "none"."""
    last_id = _last_id()
    with op.batch_alter_table("studies", table_kwargs={"sqlite_autoincrement": True}) as studies:
        studies.add_column(sa.Column("sigmas", sa.JSON()))
    connection = op.get_bind()
    columns = (_STUDIES.c.id, _STUDIES.c.generations, _STUDIES.c.parameters)
    for study in connection.execute(sa.select(*columns)).all():
        sigmas = (study.parameters or {}).get("sigmas") or [0.0] * study.generations
        connection.execute(sa.update(_STUDIES).where(_STUDIES.c.id == study.id).values(sigmas=sigmas))
    is_comparison = _STUDIES.c.kind == "comparison"
    connection.execute(sa.update(_STUDIES).where(is_comparison).values(strategy="none", fresh_seeds=0))
    with op.batch_alter_table("studies", table_kwargs={"sqlite_autoincrement": True}) as studies:
        studies.alter_column("sigmas", existing_type=sa.JSON(), nullable=False)
        studies.alter_column("strategy", existing_type=sa.String(64), nullable=False)
        studies.alter_column("fresh_seeds", existing_type=sa.Integer(), nullable=False)
        studies.drop_column("kind")
        studies.drop_column("parameters")
        studies.drop_column("objective")
    _keep_counting(last_id)


def _last_id() -> int | None:
    """Return the largest id that a study ever had in a SQLite file; None for a server, or without studies."""
    if op.get_bind().dialect.name != "sqlite":
        return None
    last: int | None = op.get_bind().scalar(sa.select(_SEQUENCE.c.seq).where(_SEQUENCE.c.name == "studies"))
    return last


def _keep_counting(last_id: int | None) -> None:
    """Restore SQLite's counter of ids, dropped with the old table, so that ids of deleted studies are not reused."""
    if last_id is not None:
        connection = op.get_bind()
        connection.execute(sa.delete(_SEQUENCE).where(_SEQUENCE.c.name == "studies"))
        connection.execute(sa.insert(_SEQUENCE).values(name="studies", seq=last_id))
