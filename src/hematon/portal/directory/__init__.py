"""Experts, ratings by the published rules, awards and facts with an expiry.

    python -m django publish_ratings                  once a month: what the public pages say
    python -m django mint_review_link --expert ID --family KEY --visit 2026-11-20

Links are printed one at a time until visits are kept here and mint their own. What a roster may
say is in `vocabulary.yaml` and `credentials.yaml`; the rules of ratings are in `rules.py` and
`moderation.py`, their numbers in the rating rules that the programme signs (`programme`).
"""
