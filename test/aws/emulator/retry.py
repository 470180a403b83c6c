"""Whether a failed attempt is made again: `retryStrategy.evaluateOnExit`."""

from __future__ import annotations

import fnmatch


def again(strategy: dict, status_reason: str, exit_code: int | None, container_reason: str) -> bool:
    """The first rule whose conditions all hold decides; without one a failed attempt is made again."""
    facts = {
        "onStatusReason": status_reason,
        "onReason": container_reason,
        "onExitCode": "" if exit_code is None else str(exit_code),
    }
    for rule in strategy.get("evaluateOnExit") or []:
        if all(fnmatch.fnmatch(fact.lower(), rule[name].lower()) for name, fact in facts.items() if name in rule):
            return rule["action"].upper() == "RETRY"
    return True
