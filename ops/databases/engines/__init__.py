"""Database engines, one file each. Each holds one `ENGINE`."""
