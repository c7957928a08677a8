"""What tests share: `from support.postgres import …`."""
