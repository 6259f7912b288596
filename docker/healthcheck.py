"""The web container's health check: 0 when /healthz answers 200."""

import os
import sys
import urllib.request

# The server answers only to the names it is told; the address of the container itself is none of them.
host = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".") or "localhost"
request = urllib.request.Request("http://127.0.0.1:8000/healthz", headers={"Host": host})
try:
    with urllib.request.urlopen(request, timeout=4) as answer:
        sys.exit(0 if answer.status == 200 else 1)
except OSError as error:
    sys.exit(f"/healthz: {error}")
