"""What a turn is answered with besides its own text."""
