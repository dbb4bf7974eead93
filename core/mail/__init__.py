"""What is seen of the servers that take mail, and what it means: exchangers, answers, queues, recipients, probes."""
