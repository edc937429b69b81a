"""arguments in -> results and exit codes out: a file for each command; only here is printed."""
