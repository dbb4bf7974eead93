"""Mailboxes on the fleet's servers, by Dovecot's own tools."""
