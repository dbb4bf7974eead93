"""How the fleet is, for those who ask: `status`, `sites`, `check --live` and the Home tab."""
