"""What asks several ports and puts the answers together."""
