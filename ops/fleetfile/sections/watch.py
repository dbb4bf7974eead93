"""The section `watch`."""

from core.fleet import Watch
from ops.fleetfile import fields as f
from ops.fleetfile.sections.section import Section, default


class WatchSection(Section):
    """How often is looked."""

    every: f.Duration = default(Watch, "every", "How often each thing is looked at.")
    retry: f.Duration = default(Watch, "retry", "How soon again after a failure.")
    timeout: f.Duration = default(Watch, "timeout", "How long an answer may take.")
    down_after: f.Count = default(Watch, "down_after", "This many failures in a row are an outage.")
    up_after: f.Count = default(Watch, "up_after", "This many good looks in a row end it.")
