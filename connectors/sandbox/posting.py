"""How a sandbox shop calls the address of a webhook."""

from __future__ import annotations

import requests


def post(url: str, body: bytes, headers: dict[str, str], seconds: float) -> int:
    """Post a body and return the status of the answer; 0 when there was none."""
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(url, data=body, headers=headers, timeout=seconds, allow_redirects=False)
            return answer.status_code
    except requests.RequestException:
        return 0
