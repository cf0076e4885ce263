"""The two servers that Laurel brings along and the supervisor of its processes."""

from embedded.process import EmbeddedError
from embedded.servers import running_servers
from embedded.state import ServerUrls

__all__ = ["EmbeddedError", "ServerUrls", "running_servers"]
