"""The section `watch`."""

from core.fleet import Watch
from ops.fleetfile import fields as f
from ops.fleetfile.sections.section import Section, setting


class WatchSection(Section, makes=Watch):
    """How often is looked."""

    every: f.Duration = setting("How often each thing is looked at.")
    retry: f.Duration = setting("How soon again after a failure.")
    timeout: f.Duration = setting("How long an answer may take.")
    down_after: f.Count = setting("This many failures in a row are an outage.")
    up_after: f.Count = setting("This many good looks in a row end it.")
