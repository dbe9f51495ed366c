"""Children, the adults who may act for them, and what an adult may see at a child's age."""
