"""What the records say of the printed numbers and the claims."""
