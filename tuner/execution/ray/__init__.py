"""Execution on Ray: sessions, workers (actors), jobs and metrics.

Ray is imported here, without the variables that are meant for other programs: it reads many of them then.
"""

import sys

from tuner.core.environment import environment
from tuner.execution.ray_variables import unset_for_a_local_ray

if "ray" not in sys.modules:
    with environment(unset_for_a_local_ray()):
        import ray  # noqa: F401
