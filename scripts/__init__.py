"""The programs behind the Makefile: set-up, private services, `make run`, `make test`, `make check`.

They use the standard library only, for they run before the virtual environment exists.
"""
