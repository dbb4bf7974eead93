"""Copies between real servers, proven and undone: the lab and the processes of the syncs' own tests."""

from sync.conftest import fleet_change, rig, shared

__all__ = ["fleet_change", "rig", "shared"]
