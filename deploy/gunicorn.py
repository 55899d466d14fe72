"""How the console and the API are served: one process, so that metrics count everything once."""

from __future__ import annotations

worker_class = "gthread"
workers = 1
threads = 8
timeout = 60
graceful_timeout = 10
loglevel = "warning"
