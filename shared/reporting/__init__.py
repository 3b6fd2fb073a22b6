"""Tables, figures and verdicts as a report that a person can read."""
