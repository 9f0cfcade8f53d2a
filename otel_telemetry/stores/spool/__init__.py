"""Files in which spans wait for a destination that is away."""
