"""DNS as values: record sets, changes, serials, who is out of step, and what `dns` answers."""
