"""Sums of consumption."""

from portal.rules.metering.figures import Figures, total


def test_figures_are_added_field_by_field() -> None:
    one = Figures(1, 2, 3, 1, 7)
    other = Figures(10, 20, 30, 1, 70)
    assert one + other == Figures(11, 22, 33, 2, 77)
    assert (one, other) == (Figures(1, 2, 3, 1, 7), Figures(10, 20, 30, 1, 70))


def test_total_tokens_are_input_plus_output() -> None:
    assert Figures(1, 20, 3).total_tokens == 23


def test_sum_of_no_figures_is_zero() -> None:
    assert total([]) == Figures() == Figures(0, 0, 0, 0, 0)


def test_sums_are_exact_beyond_64_bits() -> None:
    huge = Figures(2**63, 2**63, 2**63, 1, 2**63)
    assert total([huge] * 3) == Figures(3 * 2**63, 3 * 2**63, 3 * 2**63, 3, 3 * 2**63)
