"""One file a job: what the clock asks for, and the long work that must survive a crash."""
