"""x."""
def write_trial_report(attempt, root):
    return "report"
