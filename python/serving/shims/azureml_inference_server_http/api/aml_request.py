"""`@rawhttp`: run() gets the HTTP request itself."""

from raw_request import RawRequest as AMLRequest

__all__ = ["AMLRequest", "rawhttp"]

# One script a process, so a flag of the module is enough; Azure's server keeps it under the same name.
_rawHttpRequested = False


def rawhttp(func):
    global _rawHttpRequested
    _rawHttpRequested = True
    return func
