"""The portal: pages families read and reach the team through, and the staff's side of them.

A Django project of small apps; `docs/architecture.md` draws who may import whom. Pages for
families never see the engine: the import contracts hold that.
"""
