"""What the sandbox shops of all platforms share: an HTTP server that keeps a log and plays faults."""

from connectors.sandbox.running import RunningShop
from connectors.sandbox.server import Fault, PlayHandler, PlayServer, Seen, Sent

__all__ = ["Fault", "PlayHandler", "PlayServer", "RunningShop", "Seen", "Sent"]
