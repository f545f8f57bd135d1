"""The files of the API pages, served from our own origin: pages, styles, scripts, vendored bundles.

`static/` holds all that a browser may fetch, `static/vendor/` what other people wrote
(`manifest.json` names it, `refresh.py` fetches it); the HTML files are served by `gateway.pages`.
"""
