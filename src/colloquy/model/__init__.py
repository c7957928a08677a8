"""What things are: plain structs, identities and errors. No I/O, no imports from other rooms."""
