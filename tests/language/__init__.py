"""The language as its authors write it: whole workflows, in-process and through a scripted daemon."""
