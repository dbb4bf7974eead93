"""Copies between real servers, proven and undone: the lab and the processes of the syncs' own tests."""

from sync.conftest import rig, shared

__all__ = ["rig", "shared"]
