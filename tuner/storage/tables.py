"""Tables of the database.

```
studies 1 ── n candidates 1 ── n attempts       one per attempt of a worker to train the candidate
                          1 ── 1 evaluations    the result; once it is recorded, the candidate never changes
                          1 ── 1 curves         the losses, stored apart from what lists of candidates read
                          1 ── n observations   other measurements, one row per column of numbers
                          1 ── 1 outputs        what a training function printed in its last attempt
        1 ── 1 changes        how often the rows of the study have changed
requests        runs that were submitted to a service; a run's studies are created by its first driver
tokens          users of a service
audit           what users of a service have changed
supervisors     the service that starts the drivers
```
A test compares these tables with the result of the migrations.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from tuner.core.trial import Status

# Every constraint has a name, so that a migration can change it in every kind of database.
metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _json(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, JSON(none_as_null=True), nullable=nullable)


def _any_of(statuses: list[Status]) -> str:
    return ", ".join(f"'{status}'" for status in statuses)


studies = Table(
    "studies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", String(64), nullable=False),
    Column("optimizer", String(64), nullable=False),
    Column("task", String(255), nullable=False),
    Column("kind", String(16), nullable=False),  # "search" or "comparison"
    Column("strategy", String(64)),  # searches only, as are `parameters` and `fresh_seeds`
    _json("parameters", nullable=True),
    _json("objective"),
    Column("seed", BigInteger, nullable=False),
    Column("generations", Integer, nullable=False),
    Column("population", Integer, nullable=False),
    Column("fresh_seeds", Integer),
    _json("steps"),
    Column("cohort_size", Integer, nullable=False),
    Column("threads", Integer, nullable=False),
    Column("precision", String(16)),
    _json("options"),
    _json("data", nullable=True),
    _json("space"),
    _json("versions"),
    _json("hardware"),
    Column("status", String(16), nullable=False),
    Column("created_at", String(32), nullable=False),  # UTC, ISO 8601, as are all columns of text named _at
    Column("finished_at", String(32)),
    _json("tuned", nullable=True),
    _json("tuned_genome", nullable=True),
    _json("notes"),
    # The lease. `epoch` counts the drivers that the study has had; a write that names another epoch is refused.
    Column("epoch", Integer, nullable=False),
    Column("owner", String(255)),  # "host:pid"; NULL while no driver holds the study
    Column("owner_machine", String(128)),  # boot and process namespace; NULL where they are unknown
    Column("owner_started", BigInteger),  # start of the process in kernel ticks; tells reused process ids apart
    Column("lease_seconds", Double),
    Column("renewed_at", Double),  # seconds since 1970 on the database's clock
    Column("renewed_uptime", Double),  # seconds since the owner's machine started
    _json("comparison", nullable=True),  # comparisons only: fields of a ComparisonSpec
    _json("code", nullable=True),
    _json("further_tasks", nullable=True),  # of a search on several tasks: those after the first
    UniqueConstraint("run", "optimizer"),
    sqlite_autoincrement=True,  # no id is reused: the driver of a deleted study would pass the fence of another
)

candidates = Table(
    "candidates",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_id", ForeignKey(studies.c.id, ondelete="CASCADE"), nullable=False),
    Column("role", String(16), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("slot", Integer, nullable=False),
    _json("genome"),
    _json("hyperparameters"),
    Column("seed", BigInteger, nullable=False),
    Column("steps", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),  # number of rows in `attempts`
    Column("late_results", Integer, nullable=False),  # refused results of attempts that had been abandoned
    UniqueConstraint("study_id", "role", "generation", "slot"),
    CheckConstraint(f"status IN ({_any_of(list(Status))})", name="status"),
)
Index("ix_candidates_study_id_role_status", candidates.c.study_id, candidates.c.role, candidates.c.status)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("candidate_id", ForeignKey(candidates.c.id, ondelete="CASCADE"), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("number", Integer, nullable=False),  # counted from 1 per driver
    Column("node", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", String(32), nullable=False),
    Column("ended_at", String(32)),
    Column("outcome", String(16)),  # the candidate's final status, or "lost"; NULL while the attempt runs
    Column("reason", Text, nullable=False),
    Column("error", Text, nullable=False),
    UniqueConstraint("candidate_id", "epoch", "number"),
)

evaluations = Table(
    "evaluations",
    metadata,
    Column("candidate_id", ForeignKey(candidates.c.id, ondelete="CASCADE"), primary_key=True),
    Column("status", String(16), nullable=False),
    Column("fitness", Double, nullable=False),  # finite if the status is 'finished', +inf otherwise
    Column("steps_done", Integer, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("node", String(255), nullable=False),
    Column("device", String(255), nullable=False),
    Column("reason", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("recorded_at", String(32), nullable=False),
    CheckConstraint(f"status IN ({_any_of([status for status in Status if status.is_final])})", name="status"),
)

curves = Table(
    "curves",
    metadata,
    Column("candidate_id", ForeignKey(candidates.c.id, ondelete="CASCADE"), primary_key=True),
    Column("dtype", String(8), nullable=False),
    Column("length", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

observations = Table(
    "observations",
    metadata,
    Column("candidate_id", ForeignKey(candidates.c.id, ondelete="CASCADE"), primary_key=True),
    Column("split", String(16), primary_key=True),
    Column("name", String(64), primary_key=True),  # "@evaluations", "@seconds", "@elapsed", or the name of a metric
    Column("dtype", String(8), nullable=False),
    Column("length", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

outputs = Table(
    "outputs",
    metadata,
    Column("candidate_id", ForeignKey(candidates.c.id, ondelete="CASCADE"), primary_key=True),
    Column("text", Text, nullable=False),
)

changes = Table(
    "changes",
    metadata,
    Column("study_id", ForeignKey(studies.c.id, ondelete="CASCADE"), primary_key=True),
    Column("number", BigInteger, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", String(64), nullable=False),
    Column("submitted_by", String(64), nullable=False),
    Column("is_private", Boolean, nullable=False),
    Column("weight", Double, nullable=False),
    _json("fields"),
    _json("cost"),
    Column("desired", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("expected_in", Double),  # seconds
    Column("created_at", String(32), nullable=False),
    Column("changed_at", String(32), nullable=False),
    Column("failures", Integer, nullable=False),  # in a row
    Column("not_before", Double),  # seconds since 1970 on the database's clock
    Column("last_error", Text, nullable=False),
    Column("granted", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    # The lease of the driver, as that of a study.
    Column("epoch", Integer, nullable=False),
    Column("owner", String(255)),
    Column("owner_machine", String(128)),
    Column("owner_started", BigInteger),
    Column("lease_seconds", Double),
    Column("renewed_at", Double),
    Column("renewed_uptime", Double),
    Column("number", BigInteger, nullable=False),
    UniqueConstraint("run"),
)
Index("ix_requests_state", requests.c.state)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("user_name", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),  # of the token, which is not stored
    _json("scopes"),
    Column("weight", Double, nullable=False),
    Column("note", String(255), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("expires_at", String(32)),
    Column("last_used_at", String(32)),
    Column("revoked_at", String(32)),
    UniqueConstraint("sha256"),
    sqlite_autoincrement=True,  # a session that names a token never gets another one
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", String(32), nullable=False),
    Column("user_name", String(64), nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("detail", Text, nullable=False),
)

supervisors = Table(
    "supervisors",
    metadata,
    Column("id", Integer, primary_key=True),  # 1: one supervisor per database
    Column("owner", String(255), nullable=False),
    Column("owner_machine", String(128)),
    Column("owner_started", BigInteger),
    Column("lease_seconds", Double, nullable=False),
    Column("renewed_at", Double, nullable=False),
    Column("renewed_uptime", Double, nullable=False),
)
