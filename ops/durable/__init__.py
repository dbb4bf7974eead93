"""Work that survives the process that began it."""
