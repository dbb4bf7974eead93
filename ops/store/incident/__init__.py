"""What the store keeps of incidents: outages, maintenance, reminders, and what people said."""
