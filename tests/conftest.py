"""What holds for all tests: no clock decides whether one passes."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
