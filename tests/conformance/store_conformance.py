"""Conformance suite of the store: what must hold on every database alike.

The laws:

1. **Whole or not at all.** A method that returns has written all it was given; one that raises has written nothing.
2. **Final is final.** Once a candidate is finished, diverged, failed or timed out, no later result, attempt or driver
   changes its row, its evaluation or its curve. The first result wins, and the later one is told so.
3. **One driver.** A study is held by one driver. Every write names the driver's epoch and is refused when the epoch is
   over, by whatever way it ended. Another driver gets the study when it was given back, when the lease has run out, or
   when the owner's process is known to have ended; what was left running then waits again.
4. **Twice is once.** To say a thing again changes nothing: the same candidates, the same start, the same result, the
   same remark. To say another thing in its place is an error.
5. **Bit for bit.** Numbers come back as they were given, inf among them; NaN is never a number here and is refused.
   What was returned never changes afterwards.
6. **Everything is accounted for.** A study is complete only with all candidates of its search, and none unfinished.
7. **Nothing runs for ever.** A candidate is running exactly while its newest attempt is open.
"""

from __future__ import annotations

from tests.conformance.store_laws_of_candidates import LawsOfCandidates
from tests.conformance.store_laws_of_comparisons import LawsOfComparisons
from tests.conformance.store_laws_of_drivers import LawsOfDrivers
from tests.conformance.store_laws_of_results import LawsOfResults
from tests.conformance.store_laws_of_studies import LawsOfStudies


class StoreConformance(LawsOfStudies, LawsOfCandidates, LawsOfResults, LawsOfDrivers, LawsOfComparisons):
    """The suite; a subclass brings the fixture `store`, a new and empty store."""
