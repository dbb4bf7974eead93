"""Mailboxes kept alike on several servers: whose and where, and what came of it."""
