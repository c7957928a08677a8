"""What is known: entities, relationships, and the evidence for them. Pure functions so far."""
