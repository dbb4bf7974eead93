"""What the store keeps of the watch: states, their history, latencies, and figures of them."""
