"""What the knowledge files must satisfy together, one function per rule.

`records.py` says what each file may hold; the rules here say what must agree between entries and
between files. They are grouped by what they read: what is named (`checks_references.py`), limits
and criteria (`checks_limits.py`), conditions and evidence (`checks_evidence.py`), the likelihood
model (`checks_model.py`), the public annotations (`checks_annotations.py`). They run when the
knowledge is compiled, so broken knowledge is never assessed with, and in `hematon knowledge check`.

A rule reads every file and yields an `Issue` for each place that breaks it. None of them decides
whether a number is true: that is what the source and the grade beside it are for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hematon.errors import Issue
from hematon.knowledge import (
    checks_annotations,
    checks_evidence,
    checks_limits,
    checks_model,
    checks_references,
)
from hematon.knowledge.files import KnowledgeFiles

Check = Callable[[KnowledgeFiles], Iterator[Issue]]

CHECK_CODES: dict[str, str] = {
    # what is named
    "source-unknown": "Every source id is in sources.yaml.",
    "source-unused": "Every source is cited or named in a note, or says that no entry cites it.",
    "duplicate-id": "No list holds two entries with one id, or one word twice.",
    "severity-id": "A severity criterion has an id that no other has, in any severity file.",
    "condition-unknown": "Every condition that a test, rule, hazard or setting names has a file.",
    "test-unknown": "Every test that a hazard names exists.",
    "finding-unknown": "Every finding that evidence, a rule, a test or the model names exists.",
    "analyte-unknown": "Every analyte that a limit, a rule, a test or the model names exists.",
    "definition-unknown": "Every definition that a rule names exists.",
    "definition-cycle": "No definition rests on itself.",
    "cutoff-unknown": "Every stepped cut-off that a rule names exists, for any child.",
    "fact-unknown": "Every fact that a rule asks for is one the engine works out.",
    "setting-default": "The default setting is one of the settings.",
    # limits and criteria
    "cutoff-ladder": "Each cut-off ladder is contiguous, to an open end, for girls and for boys.",
    "cutoff-analyte": "A rule compares an analyte with a cut-off of that same analyte.",
    "interval-coverage": "Reference bands cover every day from birth to 21 years once.",
    "interval-order": "Lower, median and upper limits climb, within what is plausible.",
    "unit-differs": "Reference intervals and cut-offs are in the unit of their analyte.",
    "limit-missing": "What is judged by a limit for age has reference intervals.",
    "loinc-twice": "A LOINC code maps to one analyte, once.",
    "loinc-digit": "Every LOINC code has a valid check digit.",
    "urgency-level": "Every level of urgency, from go now to no referral, has a rule.",
    "criterion-void": "No rule is one that no child, or every child, would meet.",
    # conditions and evidence
    "evidence-sign": "No evidence row uses a sign.",
    "evidence-count": "A counted row says n of N, n at most N, never one without the other.",
    "evidence-frequency": "A counted frequency lies within 0.10 of its n/N.",
    "grade-source": "Counted and named_source cite a source that is not our own judgment.",
    "partition-missing": "Every condition says which lineages are low, alone and together.",
    "partition-sum": "The ways lineages are low together sum to at most one (0.02 rounding).",
    "broader-finding": "No finding is more frequent than one it implies (0.02 rounding).",
    "finding-background": "A finding has both background frequencies, a sign has neither.",
    "age-order": "Age when first seen climbs from 5th percentile to median to 95th.",
    "gene-symbol": "Gene symbols are capitals and digits, as HGNC writes them.",
    "category": "An inherited condition says how; a neonatal one comes within 3 months.",
    "hpo-current": "Every HPO id of a finding is current in the release used.",
    "hpo-compiled": "hpo.yaml is up to date with findings.yaml.",
    # the likelihood model
    "prior": "Every prior and every multiplier of a prior is above zero.",
    "parameter": "The model has every parameter that is read, and no other.",
    "bands": "The wording bands of the differential descend and end at zero.",
    "lineages": "The three lineages stand in order; only a first state names no finding.",
    "emissions": "All states of one analyte have densities over one variable, with a width.",
    "variants": "Every classification of a reported variant has a weight above zero.",
    "treatment-target": "A treatment map gives a kind or a finding; a window has a known kind.",
    # the public annotations
    "annotation-disease": "Every disease of diseases.csv has a condition, and lines, once.",
    "annotation-line": "Every annotation line names a term and counts, or states a frequency.",
    "annotation-term": "Every phenotype term has a background and leads to one root.",
}
"""Every code of a broken rule and what the rule demands. Documented in `docs/knowledge.md`."""

CHECKS: tuple[Check, ...] = (
    checks_references.check_source_unknown,
    checks_references.check_source_unused,
    checks_references.check_duplicate_id,
    checks_references.check_severity_id,
    checks_references.check_condition_unknown,
    checks_references.check_test_unknown,
    checks_references.check_finding_unknown,
    checks_references.check_analyte_unknown,
    checks_references.check_definition_unknown,
    checks_references.check_definition_cycle,
    checks_references.check_cutoff_unknown,
    checks_references.check_fact_unknown,
    checks_references.check_setting_default,
    checks_limits.check_cutoff_ladder,
    checks_limits.check_cutoff_analyte,
    checks_limits.check_interval_coverage,
    checks_limits.check_interval_order,
    checks_limits.check_unit_differs,
    checks_limits.check_limit_missing,
    checks_limits.check_loinc_twice,
    checks_limits.check_loinc_digit,
    checks_limits.check_urgency_level,
    checks_limits.check_criterion_void,
    checks_evidence.check_evidence_sign,
    checks_evidence.check_evidence_count,
    checks_evidence.check_evidence_frequency,
    checks_evidence.check_grade_source,
    checks_evidence.check_partition_missing,
    checks_evidence.check_partition_sum,
    checks_evidence.check_broader_finding,
    checks_evidence.check_finding_background,
    checks_evidence.check_age_order,
    checks_evidence.check_gene_symbol,
    checks_evidence.check_category,
    checks_evidence.check_hpo_current,
    checks_evidence.check_hpo_compiled,
    checks_model.check_prior,
    checks_model.check_parameter,
    checks_model.check_bands,
    checks_model.check_lineages,
    checks_model.check_emissions,
    checks_model.check_variants,
    checks_model.check_treatment_target,
    checks_annotations.check_annotation_disease,
    checks_annotations.check_annotation_line,
    checks_annotations.check_annotation_term,
)
"""One function per rule, in the order of `CHECK_CODES`; each yields only its own code."""


def run_checks(files: KnowledgeFiles) -> tuple[Issue, ...]:
    """Check everything the knowledge files must satisfy together.

    Args:
        files: every knowledge file, each valid by itself.

    Returns:
        One issue per place that breaks a rule; empty when the knowledge is sound.
    """
    return tuple(issue for check in CHECKS for issue in check(files))
