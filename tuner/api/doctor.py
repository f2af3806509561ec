"""An examination of this machine for a bug report.

It reports likely problems. Neither TensorFlow nor Ray is loaded or started, and nothing is written except
files without a name that are tried out.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tuner.api import machine_facts
from tuner.api.machine_facts import Fact
from tuner.core.text import one_line

if TYPE_CHECKING:
    from tuner.api.database import Database

DATABASE_SECONDS = 3.0  # within which a database must answer


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found on this machine.

    Attributes:
        facts: In the order in which they are shown, by section. They contain no passwords and no tokens.
    """

    facts: tuple[Fact, ...]

    @property
    def troubles(self) -> tuple[str, ...]:
        """Likely problems, one sentence each."""
        return tuple(f"{fact.name}: {fact.trouble}" for fact in self.facts if fact.trouble)

    def to_dict(self) -> dict[str, Any]:
        """Return the diagnosis as JSON has it."""
        return {"facts": [asdict(fact) for fact in self.facts], "troubles": list(self.troubles)}


def diagnose(database: Database | Exception, variables: Mapping[str, str], encoding: str) -> Diagnosis:
    """Examine this machine, in a few seconds.

    Args:
        database: The database that commands would use, which is only read; or the error with which its URL is refused.
        variables: The environment variables.
        encoding: Encoding of standard output.
    """
    facts = (
        *machine_facts.versions(),
        *machine_facts.processor(variables),
        *machine_facts.memory(),
        *machine_facts.gpus(variables),
        *machine_facts.folders(),
        *machine_facts.network(variables),
        *_database(database),
        *machine_facts.text(encoding),
        *machine_facts.keras(),
        *machine_facts.shown_variables(variables),
    )
    return Diagnosis(facts)


def _database(database: Database | Exception) -> Iterator[Fact]:
    """Yield what is known of the database; a server that does not answer in time is reported as such."""
    if isinstance(database, Exception):
        yield Fact("database", "url", "", one_line(database))
        return
    yield Fact("database", "url", database.url)
    facts: list[Fact] = []
    thread = threading.Thread(target=lambda: facts.extend(_state(database)), daemon=True)
    thread.start()
    thread.join(DATABASE_SECONDS)
    yield from list(facts) or [Fact("database", "state", "", f"no answer within {DATABASE_SECONDS:g} s")]


def _state(database: Database) -> list[Fact]:
    from tuner.storage import NoDatabase

    try:
        with database.reading() as store:
            count = len(store.studies())
            remark = store.remark
            journal = store.journal_mode
    except NoDatabase as error:
        is_file = "there is no database" in str(error)
        state = "does not exist yet; a run creates it" if is_file else ""
        return [Fact("database", "state", state, None if is_file else one_line(error))]
    except Exception as error:  # whatever it is, it belongs into the report
        return [Fact("database", "state", "", one_line(error))]
    facts = [Fact("database", "state", f"schema {database.schema}, {count} studies")]
    if journal is not None:
        facts.append(Fact("database", "journal mode", journal, remark))
    return facts
