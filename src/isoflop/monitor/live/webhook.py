"""An alert sent to an address, such as that of a chat; what fails is told, and ends no watch."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from isoflop.errors import IsoflopError
from isoflop.monitor.live.evidence import Alert
from isoflop.network.address import checked_address
from isoflop.network.reply import client, exchange
from isoflop.network.server import completed

TIMEOUT, TRIES, PAUSE = 10.0, 3, 1.0  # [s], tries, [s]
MOST = 65_536  # bytes of a reply that are read


def announce(address: str, source: str, alerts: Sequence[Alert]) -> str:
    """Post alerts as JSON, with a `text` that chats show; return why it failed, "" if it did not.

    Raises UsageError for what is no address.
    """
    url = checked_address(address)
    text = "\n".join(f"{source}: {alert.name}: {alert.text}" for alert in alerts)
    body: Mapping[str, Any] = {
        "text": text,
        "source": source,
        "alerts": [{"name": a.name, "step": a.step, "text": a.text} for a in alerts],
    }
    return completed(_sent(url, json.dumps(body).encode()))


async def _sent(url: str, content: bytes) -> str:
    import httpx

    why = ""
    asker = client(url, None, 1)
    try:
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(PAUSE * attempt)
            try:
                async with asyncio.timeout(TIMEOUT):
                    reply = await exchange(asker, url, content, MOST)
            except (httpx.HTTPError, OSError, ValueError, TimeoutError, IsoflopError) as error:
                why = f"the webhook was not reached ({type(error).__name__})"
                continue
            if reply.is_success:
                return ""
            why = f"the webhook answers {reply.status} {reply.reason[:60]}"
        return why
    finally:
        await asker.aclose()
