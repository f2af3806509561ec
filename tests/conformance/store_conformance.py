"""Conformance suite of the store: the guarantees that hold on every kind of database.

1. **Atomic.** A method that returns has written everything; a method that raises has written nothing.
2. **Final.** Once a candidate is finished, diverged, failed or timed out, no later result, attempt or driver changes
   its row, its evaluation or its curve. The first result is kept; the return value is False for a later one.
3. **One driver.** A study is held by one driver. Every write names the driver's epoch, and is refused once the driver
   has lost or released the study. Another driver can acquire a study that was released, whose lease has expired, or
   whose owner's process is known to have ended; running candidates then wait again.
4. **Idempotent.** Repeating a call changes nothing: the same candidates, start, result or remark. A different value for
   the same key is an error.
5. **Exact.** Numbers are read back bit for bit, inf included; NaN is refused. Values that were returned never change.
6. **Complete.** A study can be marked as complete only with all candidates, none of them unfinished.
7. **Consistent.** A candidate is running exactly while its newest attempt is open.
"""

from __future__ import annotations

from tests.conformance.store_laws_of_candidates import LawsOfCandidates
from tests.conformance.store_laws_of_comparisons import LawsOfComparisons
from tests.conformance.store_laws_of_drivers import LawsOfDrivers
from tests.conformance.store_laws_of_results import LawsOfResults
from tests.conformance.store_laws_of_studies import LawsOfStudies


class StoreConformance(LawsOfStudies, LawsOfCandidates, LawsOfResults, LawsOfDrivers, LawsOfComparisons):
    """The suite; a subclass provides the fixture `store`, a new and empty store."""
