"""What keeps the remediator itself honest: runs that were left, schedules that did not run, tickets that nobody redeemed."""
