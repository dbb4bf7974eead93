"""What touches the world: SSH, rsync, DNS, HTTP, the store, the clock."""
