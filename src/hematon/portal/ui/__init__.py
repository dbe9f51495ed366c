"""What every page shares: layout, design system, form patterns, the site's own facts. No models."""
