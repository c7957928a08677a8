"""What changed, from what to what: comparing states and applying the difference."""
