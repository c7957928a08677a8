"""From the outbox to the channel, and to whoever waits for a reply in this process."""
