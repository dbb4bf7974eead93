"""What holds for all tests: how Hypothesis makes its examples."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

# No deadline, and no look at how long examples take to draw: both measure time, and a busy machine fails by them.
# The same examples each time, or a change would fail by what another one broke; pytest --hypothesis-profile=random
# draws others.
settings.register_profile(
    "same", deadline=None, derandomize=True, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("random", settings.get_profile("same"), derandomize=False)
# For tests/mutants: that a test fails is all there is to know, whatever the smallest example would be.
settings.register_profile("unshrunk", settings.get_profile("same"), phases=[Phase.explicit, Phase.generate])
settings.load_profile("same")
