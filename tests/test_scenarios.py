"""The loops and estimators on simulated clocks and sessions, against theory. No real timing is in here."""

import math
import threading

import numpy as np
import pytest

from ganzoo.runtime.latency.scenarios import arrivals, multi_stream, offline, server, single_stream
from ganzoo.runtime.latency.stats import across, quantile, ratio, summarize
from ganzoo.student import beta, binomial_cdf, binomial_quantile, t_cdf, t_quantile


class Clock:
    """Time that passes only where it is said to."""

    def __init__(self):
        self.time = 0

    def now(self):
        return self.time

    def wait_until(self, moment):
        self.time = max(self.time, moment)

    def taking(self, *nanoseconds):
        """A call that takes these, in turn."""
        turns = iter(range(10**12))
        return lambda: setattr(self, "time", self.time + nanoseconds[next(turns) % len(nanoseconds)])


# Distributions


@pytest.mark.parametrize(
    ("probability", "freedom", "expected"),
    # Tables of Student's t, e.g. Abramowitz and Stegun, table 26.10.
    [
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.975, 4, 2.776),
        (0.995, 3, 5.841),
        (0.95, 9, 1.833),
        (0.975, 120, 1.980),
    ],
)
def test_students_t(probability, freedom, expected):
    assert t_quantile(probability, freedom) == pytest.approx(expected, abs=6e-4)
    assert t_quantile(1 - probability, freedom) == pytest.approx(-expected, abs=6e-4)
    assert t_cdf(t_quantile(probability, freedom), freedom) == pytest.approx(probability, abs=1e-9)


def test_the_binomial_distribution():
    for n, p in ((10, 0.4), (30, 0.9), (200, 0.99)):
        total = 0.0
        for k in range(n + 1):
            total += math.comb(n, k) * p**k * (1 - p) ** (n - k)
            assert binomial_cdf(k, n, p) == pytest.approx(total, abs=1e-9)
        median = binomial_quantile(0.5, n, p)
        assert binomial_cdf(median, n, p) >= 0.5 > binomial_cdf(median - 1, n, p)
    assert beta(3, 4, 0) == 0 and beta(3, 4, 1) == 1 and beta(0.5, 0.5, 0.5) == pytest.approx(0.5)


# Estimators


@pytest.mark.parametrize("count", [3, 5, 10])
def test_an_interval_of_processes_covers_the_truth_as_often_as_it_says(count):
    """2,000 sweeps of processes that differ by 3%: the t interval of logs covers in 95%, as the bootstrap does not."""
    random = np.random.Generator(np.random.PCG64(count))
    figures = [across(5.0 * np.exp(0.03 * random.standard_normal(count))) for _ in range(2000)]
    covered = np.mean([figure.low <= 5.0 <= figure.high for figure in figures])
    assert 0.935 <= covered <= 0.965  # 95% of 2,000 trials, three standard errors


@pytest.mark.parametrize(("first", "second", "spread"), [(5, 5, 1.0), (5, 12, 1.0), (3, 10, 4.0)])
def test_identical_files_are_called_different_as_seldom_as_it_says(first, second, spread):
    """2,000 pairs of sets of processes of one truth, of two sizes and two spreads: one in twenty, as stated."""
    random = np.random.Generator(np.random.PCG64(first + second))

    def measured(count, wide):
        return 5.0 * np.exp(0.01 * wide * random.standard_normal(count))

    found = [ratio(measured(first, 1.0), measured(second, spread)) for _ in range(2000)]
    different = np.mean([not one.low <= 1.0 <= one.high for one in found])
    assert 0.03 <= different <= 0.07


def test_files_that_differ_are_found():
    random = np.random.Generator(np.random.PCG64(1))
    pairs = [np.exp(0.01 * random.standard_normal((2, 5))) * [[1.0], [1.05]] for _ in range(500)]
    found = [ratio(*pair) for pair in pairs]
    assert np.mean([one.low > 1.0 for one in found]) > 0.99
    assert np.median([one.value for one in found]) == pytest.approx(1.05, abs=0.002)
    with pytest.raises(ValueError, match="two processes on each side"):
        ratio([1.0], [1.0, 2.0])
    assert ratio([2.0, 2.0], [3.0, 3.0]) == pytest.approx((1.5, 1.5, 1.5))


def test_a_sweep_that_goes_on_until_it_is_sure_still_covers_the_truth():
    """Stopping when the interval is narrow makes intervals too narrow, and coverage less: by how much is bounded."""
    random = np.random.Generator(np.random.PCG64(9))
    covered = 0
    for _ in range(2000):
        values = list(np.exp(0.02 * random.standard_normal(5)))
        while (found := across(values)).within > 0.02 and len(values) < 50:
            values.append(float(np.exp(0.02 * random.standard_normal())))
        covered += found.low <= 1.0 <= found.high
    assert covered / 2000 >= 0.90


def test_quantiles_cover_the_truth_and_are_left_out_where_the_count_cannot_carry_them():
    random, truth = np.random.Generator(np.random.PCG64(0)), -math.log(0.01)
    covered = 0
    for _ in range(2000):
        found = quantile(np.sort(random.exponential(size=1000)), 0.99)
        covered += found.low <= truth <= found.high
    assert 0.93 <= covered / 2000 <= 0.98  # order statistics are discrete: at least what is said, a little more
    ordered = np.arange(1000.0)
    assert quantile(ordered[:999], 0.99) is None and quantile(ordered, 0.99) is not None
    assert quantile(ordered, 0.999) is None and quantile(ordered[:0], 0.5) is None
    alone = quantile(ordered[:2], 0.5)
    assert alone.value == 0.5 and alone.low is None


def test_one_process_has_no_interval():
    assert across([2.0]) == (2.0, None, None) and across([2.0]).within is None
    figure = across([1.0, 1.0, 1.0])
    assert figure == (1.0, 1.0, 1.0) and figure.within == 0
    assert across([1.0, 4.0]).value == pytest.approx(2.0)


def test_a_stall_of_a_second_moves_what_it_should():
    """2 ms calls for 10 s and one of a second: median and p90 stay, largest and mean move as arithmetic says."""
    quiet, stalled = np.full(5000, 2.0), np.append(np.full(4999, 2.0), 1000.0)
    before, after = summarize(quiet), summarize(stalled)
    assert after.quantiles["p50"].value == before.quantiles["p50"].value == 2.0
    assert after.quantiles["p90"].value == 2.0 and after.quantiles["p99"].value == 2.0
    assert after.largest == 1000.0 and after.mean == pytest.approx(2.0 + 998.0 / 5000)
    assert (before.stalls, after.stalls, after.stalled) == (0, 1, 1000.0)
    with pytest.raises(ValueError, match="no samples"):
        summarize(np.zeros(0))


# Loops


def test_single_stream_measures_each_call_and_no_gap():
    clock, told = Clock(), []
    series = single_stream(
        clock.taking(4_000_000, 6_000_000), clock, 1.0, pause_ns=5_000_000, between=lambda: told.append(1)
    )
    assert set(series.samples_ns) == {4_000_000, 6_000_000} and len(series.samples_ns) == 100
    assert series.elapsed_ns == sum(series.samples_ns) and 9 <= len(told) <= 11
    slow = single_stream(clock.taking(10**10), clock, 0.1)
    assert len(slow.samples_ns) == 3


def test_offline_counts_over_time():
    clock = Clock()
    series = offline([clock.taking(1_000_000, 9_000_000)], clock, 1.0)
    assert series.elapsed_ns == 10**9 and series.calls == 200  # from the median it would be anything


def test_multi_stream_ends_with_the_last_call():
    clock = Clock()
    series = multi_stream([clock.taking(1_000_000)], clock, 0.1, streams=8)
    assert set(series.samples_ns) == {8_000_000} and series.calls == 8 * len(series.samples_ns)


def test_instances_share_the_calls_of_a_query():
    made, clock = [], Clock()
    lock = threading.Lock()

    def instance(number):
        def run():
            with lock:
                made.append(number)
                clock.time += 1_000_000

        return run

    series = multi_stream([instance(0), instance(1)], clock, 0.05, streams=4)
    assert len(made) == 4 * len(series.samples_ns) == series.calls

    def broken():
        raise RuntimeError("it fails")

    with pytest.raises(RuntimeError, match="it fails"):
        multi_stream([broken, instance(0)], clock, 0.05, streams=4)
    with pytest.raises(RuntimeError, match="it fails"):
        offline([broken, instance(0)], clock, 0.05)


def test_arrivals_are_poisson_and_keyed():
    moments = arrivals(200.0, 100.0, seed=3)
    assert np.array_equal(moments, arrivals(200.0, 100.0, seed=3)) and not np.array_equal(
        moments, arrivals(200.0, 100.0, seed=4)
    )
    gaps = np.diff(moments) / 1e9
    assert moments[-1] < 100e9 and len(moments) == pytest.approx(20_000, abs=3 * math.sqrt(20_000))
    assert gaps.mean() == pytest.approx(1 / 200, rel=0.03) and gaps.std() == pytest.approx(1 / 200, rel=0.03)


@pytest.mark.parametrize("load", [0.3, 0.5, 0.8, 0.95])
def test_a_server_of_constant_service_waits_as_theory_says(load):
    """M/D/1: the mean wait is rho / (2 (1 - rho)) services (Pollaczek and Khinchine). Ten independent servers."""
    service, waits = 1_000_000, []
    for seed in range(10):
        clock = Clock()
        due = arrivals(load * 1e9 / service, 100.0 if load < 0.9 else 400.0, seed)
        series = server([clock.taking(service)], clock, due)
        assert series.unserved == 0 and max(series.late_ns) == 0 and len(series.samples_ns) == len(due)
        waits.append(np.mean(series.samples_ns) / service - 1)
    expected = load / (2 * (1 - load))
    half = t_quantile(0.9995, 9) * np.std(waits, ddof=1) / math.sqrt(10)
    assert abs(np.mean(waits) - expected) <= half < 0.25 * expected


def test_a_stall_of_a_server_is_felt_by_those_that_wait():
    """A closed loop sees one slow call; of arrivals at half load, everything that came meanwhile waits."""
    service, clock, calls = 1_000_000, Clock(), iter(range(10**9))

    def run():
        clock.time += service + (1_000_000_000 if next(calls) == 5000 else 0)

    series = server([run], clock, arrivals(500.0, 30.0, seed=0))
    summary = summarize(np.array(series.samples_ns) / 1e6)
    # After a stall of S at load rho the queue needs S / (1 - rho) to drain: 2 s of 30 s of arrivals wait.
    delayed = np.mean(np.array(series.samples_ns) > 50 * service)
    assert delayed == pytest.approx(2 / 30, abs=0.01)
    assert summary.largest >= 1000 and summary.quantiles["p99"].value > 700 and summary.quantiles["p50"].value < 3
    closed = single_stream(clock.taking(*[service] * 5000, 1_001_000_000), clock, 6.0)
    assert summarize(np.array(closed.samples_ns)).quantiles["p99"].value == service


def test_a_server_that_is_asked_too_much_says_how_many_waited_in_vain():
    clock = Clock()
    series = server([clock.taking(4_000_000)], clock, arrivals(1000.0, 10.0, seed=0))
    assert series.unserved > 3000 and series.calls + series.unserved == len(arrivals(1000.0, 10.0, seed=0))


def test_a_late_generator_is_noticed():
    clock = Clock()
    clock.wait_until = lambda moment: setattr(clock, "time", max(clock.time, moment + 3_000_000))
    series = server([clock.taking(1_000)], clock, arrivals(10.0, 10.0, seed=0))
    assert np.median(series.late_ns) == 3_000_000
    assert min(series.samples_ns) >= 3_000_000  # its lateness is in the latency, and not hidden


def test_two_servers_serve_in_the_order_of_arrival():
    """On the system's clock: sleeps, two at once, no call is lost and none begins before it arrives."""
    import time

    from ganzoo.runtime.latency.clock import SystemClock

    due = arrivals(100.0, 0.5, seed=1)
    series = server([lambda: time.sleep(0.002)] * 2, SystemClock(), due)
    assert series.calls == len(due) and min(series.samples_ns) >= 2_000_000 and min(series.late_ns) >= 0
