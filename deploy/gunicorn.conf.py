"""gunicorn behind nginx. systemd hands it the socket; elsewhere give --bind."""

from __future__ import annotations

from hematon.portal.ui.logs import quiet_server

wsgi_app = "hematon.portal.wsgi:application"
workers = 3
worker_class = "gthread"
threads = 4
# nginx has the whole request before gunicorn sees it, so nothing honest takes longer.
timeout = 30
graceful_timeout = 30
keepalive = 5
# A slow leak in a library never lasts; the jitter keeps workers from going together.
max_requests = 5000
max_requests_jitter = 500
preload_app = True
# nginx writes the access log, without queries.
accesslog = None
errorlog = "-"
loglevel = "warning"
umask = 0o077
control_socket_disable = True
# Broken requests are told without what was in them.
on_starting = quiet_server
