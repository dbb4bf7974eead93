"""How people reach Sharpnet in Slack: the connection, what they type and press, and what they are shown."""
