"""Ranks, Brier score, calibration and intervals against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from hematon.evaluation import scores


def test_rank_is_that_of_the_best_right_answer() -> None:
    """Any right answer counts; wrong ones level with it share the places."""
    shares = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.5, 0.3, 0.2]])
    right = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 0], [0, 0, 0]], dtype=bool)
    assert scores.ranks(shares, right).tolist()[:3] == [3.0, 2.0, 1.5]
    assert np.isnan(scores.ranks(shares, right)[3])


def test_rank_of_a_case_with_an_unknown_share_is_unknown() -> None:
    """NaN compares as not greater, and would make any answer first."""
    shares = np.array([[np.nan, 0.3, 0.2]])
    assert np.isnan(scores.ranks(shares, np.array([[False, False, True]])))[0]


def test_brier_by_hand() -> None:
    """(1 - 0.5 - 0.2)^2 + 0.3^2; all right answers are one class; certain and wrong is 2."""
    shares = np.array([[0.5, 0.3, 0.2], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    right = np.array([[1, 0, 1], [1, 0, 0], [0, 1, 0]], dtype=bool)
    assert scores.brier(shares, right).tolist() == pytest.approx([0.18, 0.0, 2.0])


def test_interval_resamples_publications_not_cases() -> None:
    """Fifty cases of two publications that disagree leave the whole range open."""
    values = np.array([1.0] * 25 + [0.0] * 25)
    two = np.array([0] * 25 + [1] * 25)
    assert scores.estimate(values, two) == scores.Estimate(0.5, 0.0, 1.0)
    each = scores.estimate(values, np.arange(50))
    assert each.low is not None
    assert each.high is not None
    assert 0.3 < each.low < 0.5 < each.high < 0.7


def test_one_publication_has_no_interval() -> None:
    """There is nothing to resample, and nothing to leave out."""
    values, one = np.array([1.0, 0.0]), np.array([7, 7])
    assert scores.estimate(values, one) == scores.Estimate(0.5, None, None)
    assert scores.largest_shift(values, one) == 0.0
    right = np.array([True, False])
    bins = scores.equal_width(values)
    assert scores.calibration_error(values, right, bins, one).low is None


def test_interval_is_the_same_each_time() -> None:
    """The seed is fixed."""
    values, publications = np.arange(20.0), np.arange(20) // 3
    assert scores.estimate(values, publications) == scores.estimate(values, publications)


def test_largest_shift_by_hand() -> None:
    """Without the second publication the mean is 1 instead of 0.5."""
    assert scores.largest_shift(np.array([1.0, 1.0, 0.0, 0.0]), np.array([0, 0, 1, 1])) == 0.5


def test_bins_of_equal_mass_hold_as_many() -> None:
    """A hundred different shares fill ten bins of ten; equal shares stay in one."""
    shares = np.random.default_rng(1).permutation(np.linspace(0, 1, 100))
    assert np.bincount(scores.equal_mass(shares)).tolist() == [10] * 10
    assert len(set(scores.equal_mass(np.full(30, 0.4)).tolist())) == 1


def test_bins_of_equal_width_include_the_end() -> None:
    """A share of 1 belongs to the last bin."""
    assert scores.equal_width(np.array([0.0, 0.09, 0.1, 0.99, 1.0])).tolist() == [0, 0, 1, 9, 9]


def test_calibration_error_by_hand() -> None:
    """Two bins of two: 0.8 stated, half right; 0.2 stated, none right: (0.3 + 0.2) / 2."""
    stated = np.array([0.8, 0.8, 0.2, 0.2])
    right = np.array([True, False, False, False])
    error = scores.calibration_error(stated, right, scores.equal_width(stated), np.arange(4))
    assert error.value == pytest.approx(0.25)
    assert error.low is not None
    low, high = scores.reliability(stated, right, scores.equal_width(stated), np.arange(4))
    assert (low.predictions, low.stated, low.observed) == (2, 0.2, 0.0)
    assert (high.predictions, high.stated, high.observed) == (2, 0.8, 0.5)


def test_calibrated_predictions_have_little_error() -> None:
    """The measure tells a forecaster who is right as often as said from one who is not."""
    generator = np.random.default_rng(5)
    stated = generator.uniform(size=5000)
    right = generator.uniform(size=5000) < stated
    own = np.arange(5000)
    bins = scores.equal_mass(stated)
    assert scores.calibration_error(stated, right, bins, own).value < 0.03
    sure = np.sqrt(stated)
    assert scores.calibration_error(sure, right, scores.equal_mass(sure), own).value > 0.1


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (1, 18_891), (5, 10), (10, 10)])
def test_share_interval_is_scipys(hits: int, n: int) -> None:
    """Wilson's interval, within 0 to 1 also where nothing or everything was hit."""
    found = scores.share_interval(hits, n)
    wanted = binomtest(hits, n).proportion_ci(method="wilson")
    assert found.value == hits / n
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=1e-8)
