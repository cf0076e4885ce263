"""The application as gunicorn serves it."""

from __future__ import annotations

import os
import sys

from loyalty.config import load_settings
from loyalty.errors import ConfigurationError
from webhook_app import create_app

try:
    app = create_app(load_settings(os.environ, need_servers=True))
except ConfigurationError as error:
    sys.exit(str(error))
