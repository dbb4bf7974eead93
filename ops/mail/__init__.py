"""Talks to the servers that take mail: SMTP, IMAP, and over SSH their queues and recipients."""
