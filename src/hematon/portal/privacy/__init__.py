"""What the privacy officer keeps watch with: the audit, its export, and emergency openings."""
