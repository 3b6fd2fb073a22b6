"""What a trained run leaves behind, where it lies, and what made it."""
