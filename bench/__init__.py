"""Figures, demonstration and fault suites: what `make bench`, `make demo` and `make soak` run."""
