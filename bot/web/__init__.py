"""The bot's own HTTP, for those who have monitoring already. Off unless app.yaml has a web section."""
