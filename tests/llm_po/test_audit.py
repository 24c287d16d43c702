"""Audits: corrected labels without bias, bets that are fair whatever the plan, intervals, errors in simulation."""

from __future__ import annotations

import itertools
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.audit_cells import CELLS, instance, verdicts
from poets_core.errors import InvalidComparisons
from poets_core.keyed import rng_for
from poets_core.llm_po.audit.audit import OUTCOMES_OF, Audit, Judgement, Planned
from poets_core.llm_po.audit.bets import STAKES, bet, corrected, evidence, interval, lowest
from poets_core.llm_po.audit.plan import best_shares, growth, next_pair, neyman, plan, winner
from poets_core.llm_po.audit.simulate import play
from poets_core.llm_po.audit.tally import count, new_tally, predicted, variances, weights

DELTA = 0.1
inside = st.floats(0.02, 0.98)
share = st.floats(0.03, 1.0)


def outcomes(q, f, shares, preferred):
    """Every way in which a comparison can go: its probability, the stratum, the label (None: not asked)."""
    for s in range(3):
        yield q[s] * (1 - shares[s]), s, None
        yield q[s] * shares[s] * preferred[s], s, 1.0
        yield q[s] * shares[s] * (1 - preferred[s]), s, 0.0


@given(f=st.tuples(inside, inside, inside), shares=st.tuples(share, share, share), p=st.tuples(inside, inside, inside))
def test_a_corrected_label_has_the_mean_of_the_people_whatever_the_judge_says(f, shares, p):
    q = (0.5, 0.2, 0.3)
    ways = list(outcomes(q, f, shares, p))
    assert sum(w for w, _, _ in ways) == pytest.approx(1.0)
    mean = sum(w * corrected(f[s], h or 0.0, h is not None, shares[s]) for w, s, h in ways)
    assert mean == pytest.approx(np.dot(q, p), abs=1e-9)
    least = lowest(np.array(f), np.array(shares))
    assert least == pytest.approx(min(0.0, *(corrected(f[s], 0.0, True, shares[s]) for s in range(3))), abs=1e-9)


@given(
    f=st.tuples(inside, inside, inside),
    shares=st.tuples(share, share, share),
    p=st.tuples(inside, inside, inside),
    stake=st.floats(0.0, 0.99),
)
def test_no_bet_has_an_expectation_above_one_where_people_do_not_prefer_the_policy(f, shares, p, stake):
    """Exactly: every outcome of one comparison, with the mean moved to 1/2."""
    q = np.array([0.5, 0.2, 0.3])
    p = np.array(p) * min(1.0, 0.5 / np.dot(q, p))
    least = lowest(np.array(f), np.array(shares))
    before = np.log(np.linspace(0.2, 3.0, len(STAKES) + 1))  # products as they may stand
    expected = 0.0
    for chance, s, h in outcomes(q, f, shares, p):
        sums = before.copy()
        bet(sums, corrected(f[s], h or 0.0, h is not None, shares[s]), least, 0.5, stake)
        assert np.isfinite(sums).all()  # no bet loses all
        expected += chance * np.exp(evidence(sums))
    assert expected <= np.exp(evidence(before)) * (1 + 1e-9)


def test_evidence_is_the_mean_of_the_products():
    rows = [(0.8, -2.0, 0.3), (-1.5, -2.0, 0.7), (1.4, -0.5, 0.0)]
    sums = np.zeros(len(STAKES) + 1)
    for y, least, planned in rows:
        found = bet(sums, y, least, 0.5, planned)
    x = [((y - 0.5) / (0.5 - least), planned) for y, least, planned in rows]
    first = np.prod([1 + planned * v for v, planned in x])
    others = np.mean([np.prod([1 + stake * v for v, _ in x]) for stake in STAKES])
    assert found == pytest.approx(log(0.5 * first + 0.5 * others), abs=1e-12)


def test_evidence_of_planned_audits_ever_exceeds_its_level_no_more_often_than_it_may():
    """Every sequence of three comparisons of two equal policies, exactly, under the shares that are planned."""
    says = np.array([[0.7, 0.0, 0.3], [0.1, 0.0, 0.9]])  # given that people prefer the second, the first

    def follow(rows, chance, top):
        tally = new_tally(2)
        for row in rows:
            count(tally, 0, 1, *row)
        top = max(top, tally.log_e[0, 1])
        if len(rows) == 3:
            return chance * np.exp(tally.log_e[0, 1]), chance * (top >= log(2.0))
        f, shares, stakes = plan(tally, 0, 1, 0.3, 0.01, 0.0)
        mean = ever = 0.0
        for label, s in itertools.product((0, 1), (0, 2)):
            for asked, odds in ((True, shares[s]), (False, 1 - shares[s])):
                step = chance * 0.5 * says[label, s] * odds
                if step > 0:
                    found = follow([*rows, (s, f, shares, stakes, asked, float(label))], step, top)
                    mean, ever = mean + found[0], ever + found[1]
        return mean, ever

    mean, ever = follow([], 1.0, 0.0)
    assert mean == pytest.approx(1.0, abs=1e-9)  # equal policies: a fair game
    assert ever <= 0.5


@pytest.mark.parametrize(("mean", "lean"), [(0.5, 0.0), (0.3, 0.2), (0.9, -0.2)])
def test_intervals_hold_at_every_moment(mean, lean):
    """200 audited streams, an interval after every 25th of 200 comparisons: how often one of them misses the mean."""
    missed = 0
    for run in range(200):
        rng = rng_for(run, "interval", str(mean))
        h = rng.random(200) < mean
        f = np.where(rng.random(200) < 0.8, h, ~h) * 0.6 + 0.2 + lean * 0.5
        shares = rng.uniform(0.2, 1.0, 200)
        y = np.where(rng.random(200) < shares, f + (h - f) / shares, f)
        least, most = 0.9 - 0.9 / shares, 0.1 + 0.9 / shares
        found = [interval(y[:n], least[:n], most[:n], DELTA) for n in range(25, 201, 25)]
        missed += any(not low <= mean <= high for low, high in found)
        assert found[-1][1] - found[-1][0] < 0.75
    assert missed <= 200 * DELTA


def test_an_interval_is_the_means_without_evidence_against_them():
    y, least, most = np.array([0.9, 0.2, 1.6, 0.8, 0.7]), np.full(5, -0.5), np.full(5, 1.7)
    low, high = interval(y, least, most, 0.9)

    def against(mean):
        up = np.mean([np.prod(1 + s * (y - mean) / (mean - least)) for s in STAKES])
        down = np.mean([np.prod(1 + s * (mean - y) / (most - mean)) for s in STAKES])
        return max(up, down) >= 2 / 0.9

    grid = np.linspace(0.001, 0.999, 999)
    inside_it = [m for m in grid if not against(m)]
    assert low == pytest.approx(inside_it[0], abs=0.002)
    assert high == pytest.approx(inside_it[-1], abs=0.002)


# -- shares ----------------------------------------------------------------


def test_neymans_shares_are_in_proportion_to_deviations_and_have_the_least_variance():
    variance, q = np.array([0.25, 0.04, 0.01]), np.array([0.3, 0.3, 0.4])
    shares = neyman(variance, 0.5, 0.001)
    assert shares == pytest.approx(0.5 * np.sqrt(variance) / 0.5)
    labels = q @ shares
    rng = rng_for(0, "shares")
    for _ in range(200):
        other = rng.uniform(0.05, 1.0, 3)
        other *= labels / (q @ other)  # as many labels
        assert q @ (variance / other) >= q @ (variance / shares) - 1e-12
    assert neyman(variance, 0.2, 0.15).min() == 0.15
    assert neyman(variance * 4, 1.0, 0.1).max() == 1.0


def test_growth_is_the_expected_logarithm_of_the_planned_bet():
    q, f, shares = np.array([0.4, 0.1, 0.5]), np.array([0.2, 0.5, 0.9]), np.array([0.5, 0.3, 0.2])
    mean = float(q @ f)
    gain, stake = growth(q, f, shares, mean)
    width = 0.5 - lowest(f, shares)
    expected = sum(
        w * np.log1p(stake * (corrected(f[s], h or 0.0, h is not None, shares[s]) - 0.5) / width)
        for w, s, h in outcomes(q, f, shares, f)
    )
    assert gain == pytest.approx(expected, abs=1e-12)
    assert growth(q, f, shares, 0.7)[0] > gain  # a clearer preference brings more


def test_people_look_where_they_and_the_judge_are_likely_to_differ():
    q, f = np.array([0.45, 0.1, 0.45]), np.array([0.15, 0.5, 0.95])
    shares, cost, _ = best_shares(q, f, float(q @ f), 0.02, 0.01, 0.0)
    assert shares[1] > shares[0] > 1.2 * shares[2]  # in the order of the deviations .5, .36, .22
    assert cost < best_shares(q, f, float(q @ f), 0.02, 0.01, 0.2)[1]


def test_predictions_learn_of_a_policy_that_the_judge_leans_to():
    tally = new_tally(3)
    sure = np.ones(3)
    for _ in range(40):  # whenever the judge says 2, people say otherwise; he is right about 0 against 1
        count(tally, 0, 2, 0, np.array([0.3, 0.5, 0.7]), sure, np.zeros(2), True, 1.0)
        count(tally, 0, 1, 2, np.array([0.3, 0.5, 0.7]), sure, np.zeros(2), True, 1.0)
    assert predicted(tally, 0, 2)[0] > 0.8
    assert predicted(tally, 1, 2)[0] > 0.7  # never labelled: learned of the pair before
    assert predicted(tally, 0, 1)[2] > 0.9
    assert predicted(tally, 2, 0) == pytest.approx(1 - predicted(tally, 0, 2)[::-1])
    assert weights(tally, 0, 2).argmax() == 0
    assert variances(predicted(tally, 0, 1))[2] < 0.1


def test_the_duel_that_is_dearest_for_the_policy_nearest_to_being_best_is_next():
    tally = new_tally(3)
    sure, half = np.ones(3), np.full(3, 0.5)
    for n in range(200):  # 0 beats 2 nearly always, 1 in 60 %
        count(tally, 0, 2, 2, half, sure, np.full(2, 0.1), True, 1.0)
        count(tally, 0, 1, 2, half, sure, np.full(2, 0.1), True, float(n % 5 < 3))
        count(tally, 1, 2, 2, half, sure, np.full(2, 0.1), True, 1.0)
    assert tally.log_e[0, 2] > log(3 / DELTA) > tally.log_e[0, 1]
    left = np.ones((3, 3), dtype=np.int64)
    chosen = [tuple(sorted(next_pair(tally, left, DELTA, 0.05, 0.01, rng_for(n, "pair")))) for n in range(20)]
    assert chosen.count((0, 1)) == 20
    left[0, 1] = left[1, 0] = 0  # of a log: another pair then
    assert tuple(sorted(next_pair(tally, left, DELTA, 0.05, 0.01, rng_for(0, "pair")))) != (0, 1)
    assert winner(tally, DELTA) == -1


@pytest.mark.parametrize(("nats", "named"), [(0.01, 1), (-0.01, -1)])
def test_a_winner_needs_k_over_delta_in_every_duel(nats, named):
    tally = new_tally(4)
    tally.log_e[1] = log(4 / DELTA) + 5.0
    tally.log_e[1, 2] = log(4 / DELTA) + nats
    assert winner(tally, DELTA) == named


# -- the whole -----------------------------------------------------------------


def test_a_judge_who_is_believed_names_his_favourite_and_the_audit_does_not():
    found = instance(CELLS["clear"], 3)
    said = verdicts(found)
    assert said[found.favourite, found.best] > 0.5 > found.people[found.favourite, found.best]
    ends = [play(found.people, found.says, DELTA, 0.05, 0.01, 0.0, True, 20_000, rng_for(r, "play")) for r in range(8)]
    assert sum(e.winner == found.best for e in ends) >= 7
    assert np.mean([e.labels for e in ends]) < 0.6 * np.mean([e.judged for e in ends])


@pytest.mark.parametrize("pairs_chosen", [True, False])
def test_where_people_prefer_nobody_the_judges_favourite_is_seldom_named(pairs_chosen):
    people = np.full((3, 3), 0.5)
    says = np.zeros((3, 3, 2, 3))
    says[:, :, :, 0] = 0.1  # the judge nearly always says the first, whatever people say
    says[:, :, :, 2] = 0.9
    constant = 0.0 if pairs_chosen else 0.3
    ends = [
        play(people, says, DELTA, 0.1, 0.02, constant, pairs_chosen, 300, rng_for(r, "null")).winner for r in range(150)
    ]
    assert sum(e >= 0 for e in ends) <= 150 * DELTA


def judged(audit, index, rng, prefers=0.8, agrees=0.9):
    """One comparison, as an experiment makes it; people prefer the policy that comes first in the alphabet."""
    pair = audit.next_pair(index)
    likes = "first" if (rng.random() < prefers) == (pair.first < pair.second) else "second"
    verdict = likes if rng.random() < agrees else {"first": "second", "second": "first"}[likes]
    planned = audit.plan(pair.first, pair.second)
    asked = audit.audited(index, planned.share(verdict))
    return Judgement(pair.first, pair.second, verdict, planned, likes if asked else None)


def test_an_audit_names_the_best_and_follows_from_what_was_recorded():
    audit, rng = Audit(["a", "b", "c"], DELTA, seed=5), rng_for(0, "audit")
    assert audit.left() == ("a", "b", "c")
    for index in range(3000):
        if audit.verdict() is not None:
            break
        audit.record(judged(audit, index, rng))
    verdict = audit.verdict()
    assert (verdict.kind, verdict.policy, verdict.rule) == ("winner", "a", "audit")
    assert "a" in audit.left()
    assert 0 < audit.labels < len(audit.judgements)
    again = Audit(["a", "b", "c"], DELTA, seed=5)
    for judgement in audit.judgements:
        again.record(judgement)
    assert (again.evidence == audit.evidence).all()
    assert again.next_pair(len(audit.judgements)) == audit.next_pair(len(audit.judgements))
    for row in audit.pairs():
        assert row["preferred_interval"][0] <= 0.8 <= row["preferred_interval"][1]
        assert row["agreed_interval"][0] <= 0.9 <= row["agreed_interval"][1]
        assert row["labels"] <= row["judged"]


def test_the_order_in_which_a_pair_is_shown_says_nothing():
    planned = Planned((0.2, 0.5, 0.9), (0.3, 0.4, 0.5), (0.4, 0.0))
    turned = Planned((0.1, 0.5, 0.8), (0.5, 0.4, 0.3), (0.0, 0.4))
    one, other = Audit(["a", "b"], DELTA), Audit(["a", "b"], DELTA)
    one.record(Judgement("a", "b", "first", planned, "second"))
    other.record(Judgement("b", "a", "second", turned, "first"))
    assert one.evidence == pytest.approx(other.evidence, abs=1e-12)
    said, again = one.pairs()[0], other.pairs()[0]
    for name in said:
        assert said[name] == (again[name] if isinstance(said[name], str) else pytest.approx(again[name]))


@given(index=st.integers(0, 10_000), chance=st.floats(0, 1))
@settings(max_examples=30)
def test_who_is_asked_is_keyed_by_the_pair(index, chance):
    audit = Audit(["a", "b"], DELTA, seed=1)
    assert audit.audited(index, chance) == audit.audited(index, chance)
    assert audit.audited(index, 1.0)
    assert not audit.audited(index, 0.0)


def test_a_share_is_how_often_people_are_asked():
    audit = Audit(["a", "b"], DELTA, seed=2)
    assert np.mean([audit.audited(i, 0.3) for i in range(3000)]) == pytest.approx(0.3, abs=0.03)
    planned = Planned((0.2, 0.5, 0.9), (0.3, 0.4, 0.5), (0.4, 0.0))
    assert [planned.share(o) for o in OUTCOMES_OF] == [0.3, 0.4, 0.5]


@pytest.mark.parametrize(
    "wrong", [{"policies": ["a"]}, {"policies": ["a", "a"]}, {"delta": 0.0}, {"floor": 0.0}, {"price": -1.0}]
)
def test_what_no_audit_can_be_is_refused(wrong):
    asked = {"policies": ["a", "b"], "delta": DELTA} | wrong
    with pytest.raises(InvalidComparisons, match="Expected"):
        Audit(**asked)


def test_a_policy_of_another_audit_is_refused():
    planned = Planned((0.2, 0.5, 0.9), (0.3, 0.4, 0.5), (0.4, 0.0))
    with pytest.raises(InvalidComparisons, match="'c'"):
        Audit(["a", "b"], DELTA).record(Judgement("a", "c", "first", planned))
