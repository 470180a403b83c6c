"""Names and ARNs of Batch, and its refusals."""

from __future__ import annotations

from ministack.core.responses import get_account_id, get_region


class BatchError(Exception):
    """A ClientException."""

    def __init__(self, message: str, status: int = 400):
        super().__init__(message)
        self.status = status


def arn_of(kind: str, name: str) -> str:
    return f"arn:aws:batch:{get_region()}:{get_account_id()}:{kind}/{name}"


def name_of(reference: str) -> str:
    """Of a name or an ARN."""
    return reference.split("/", 1)[1] if reference.startswith("arn:") else reference
