"""The sections of the fleet file, a file each: the keys of it, and the values of the fleet that it becomes."""
