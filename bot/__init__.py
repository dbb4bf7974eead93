"""How people reach Sharpnet: Slack and the terminal, and the wiring of the whole. Decides nothing."""
