"""The store on SQLite: one file, one thread that reads and writes it, and everything that only SQLite knows."""
