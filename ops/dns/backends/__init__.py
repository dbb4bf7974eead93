"""DNS backends, one file each: how zones are read and changed. Each holds one `BACKEND`."""
