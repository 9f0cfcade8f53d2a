"""The flight recorder for workflow engines and agent runtimes."""
