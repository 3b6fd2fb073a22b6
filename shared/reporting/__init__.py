"""Turn records into verdicts, and verdicts into a report that a person can read."""
