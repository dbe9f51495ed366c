"""What each stored field can tell about a person; a field left out fails the tests.

identifying: names a person. clinical: about a child's health. operational: neither.
"""

from __future__ import annotations

FIELDS: dict[str, dict[str, str]] = {
    "CallbackRequest": {
        "id": "operational",
        "key": "operational",
        "reference": "operational",
        "relationship": "identifying",
        "name": "identifying",
        "phone": "identifying",
        "time": "operational",
        "language": "identifying",
        "other_language": "identifying",
        "interpreter": "identifying",
        "about": "clinical",
        "note": "clinical",
        "counts": "clinical",
        "page_language": "operational",
        "status": "operational",
        "sent_at": "operational",
        "due_at": "operational",
    },
    "StatusChange": {
        "id": "operational",
        "request": "operational",
        "status": "operational",
        "at": "operational",
        "by": "operational",
    },
}
