"""The metrics against closed forms, and against torch-fidelity called directly."""

import math

import numpy as np
import pytest
import torch

from ganzoo.errors import RequestError
from ganzoo.evaluation.estimates import Estimate
from ganzoo.evaluation.frechet import distance_of_moments
from ganzoo.evaluation.metrics.authenticity import Authenticity
from ganzoo.evaluation.metrics.frechet import ClassFrechet, Frechet, FrechetInfinity
from ganzoo.evaluation.metrics.inception_score import InceptionScore
from ganzoo.evaluation.metrics.kernel import Kernel, squared_discrepancy
from ganzoo.evaluation.metrics.pairs import Cycle, Pairs
from ganzoo.evaluation.metrics.precision_recall import DensityCoverage, PrecisionRecall
from ganzoo.evaluation.metrics.sliced_wasserstein import SlicedWasserstein
from ganzoo.testing.features import evidence_of

RANDOM = np.random.RandomState(0)


def gaussian(count, dimensions, mean=0.0, scale=1.0, seed=0):
    return (mean + scale * np.random.RandomState(seed).randn(count, dimensions)).astype(np.float32)


def with_moments(count, dimensions, mean, scale, seed):
    """Features whose sample mean and covariance are exactly these, so that the closed form is no expectation."""
    rows = np.random.RandomState(seed).randn(count, dimensions)
    rows -= rows.mean(0)
    rows = rows @ np.linalg.inv(np.linalg.cholesky(np.atleast_2d(np.cov(rows, rowvar=False)))).T
    return mean + scale * rows


@pytest.mark.parametrize("dimensions", [1, 7, 64])
def test_the_frechet_distance_of_gaussians_is_the_closed_form(tmp_path, dimensions):
    """|m|^2 D + D (1 - s)^2 for N(0, I) and N(m, s^2 I)."""
    real, painted = with_moments(300, dimensions, 0.0, 1.0, 1), with_moments(200, dimensions, 0.5, 2.0, 2)
    found = Frechet().measure(evidence_of(Frechet(), tmp_path, real, painted))["fid"].value
    assert found == pytest.approx(dimensions * (0.25 + 1.0), rel=1e-5)
    same = Frechet().measure(evidence_of(Frechet(), tmp_path, real, real))["fid"].value
    assert abs(same) < 1e-4


def test_features_of_fewer_pictures_than_dimensions_have_a_distance_too(tmp_path):
    real, painted = gaussian(20, 64, seed=1), gaussian(30, 64, mean=3, seed=2)
    evidence = evidence_of(Frechet(), tmp_path, real, painted)
    ours = distance_of_moments(*evidence.painted.moments(), *evidence.real.moments())
    assert Frechet().measure(evidence)["fid"].value == pytest.approx(ours, rel=1e-5)


def test_fid_of_infinitely_many_takes_the_bias_of_few_off(tmp_path):
    """Both sets are of one distribution: the distance is of the counts alone, and half of that is of the painted."""
    real, painted = gaussian(40_000, 16, seed=1), gaussian(1000, 16, seed=2)
    few = Frechet().measure(evidence_of(Frechet(), tmp_path, real, painted))["fid"].value
    many = FrechetInfinity().measure(evidence_of(FrechetInfinity(), tmp_path, real, painted))["fid_infinity"].value
    assert few > 0.05
    assert abs(many) < 0.3 * few


def test_fid_of_classes_sees_two_that_were_exchanged(tmp_path):
    """All together they are right; within each class they are not."""
    one, two = gaussian(100, 4, mean=0, seed=1), gaussian(100, 4, mean=5, seed=2)
    labels = np.repeat([0, 1], 100)
    real, painted = np.concatenate([one, two]), np.concatenate([two, one])
    whole = Frechet().measure(evidence_of(Frechet(), tmp_path, real, painted))["fid"].value
    evidence = evidence_of(ClassFrechet(), tmp_path, real, painted, labels=(labels, labels))
    found = ClassFrechet().measure(evidence)
    assert whole < 0.1
    assert found["fid_classes"].value > 90 and found["fid_worst_class"].value >= found["fid_classes"].value
    with pytest.raises(RequestError, match="No class has 150 pictures on both sides"):
        ClassFrechet().measure(
            evidence_of(ClassFrechet(), tmp_path, real, painted, labels=(labels, labels), stated={"least": 150})
        )


def test_the_kernel_distance_is_torch_fidelitys_and_its_interval_holds_it(tmp_path):
    from torch_fidelity.metric_kid import kid_features_to_metric

    real, painted = gaussian(400, 8, seed=1), gaussian(300, 8, mean=0.3, seed=2)
    found = Kernel().measure(evidence_of(Kernel(), tmp_path, real, painted, stated={"subsets": 7}, seed=5))["kid"]
    direct = kid_features_to_metric(
        torch.from_numpy(painted), torch.from_numpy(real), kid_subsets=7, kid_subset_size=300, rng_seed=5,
        verbose=False,
    )  # fmt: skip
    assert found.value == pytest.approx(direct["kernel_inception_distance_mean"], abs=1e-12)
    assert found.low < found.value < found.high
    whole = squared_discrepancy(painted, real)
    assert found.low < whole < found.high


def test_the_kernel_distance_does_not_fall_with_the_count(tmp_path):
    """Of one distribution its mean is 0 for few pictures too, where FID is far from it."""
    values = [squared_discrepancy(gaussian(30, 8, seed=seed), gaussian(30, 8, seed=1000 + seed)) for seed in range(200)]
    mean = Estimate.of_values(values, method="")
    assert mean.low < 0 < mean.high


def test_the_score_of_classes_is_the_number_of_those_that_are_sure_and_even(tmp_path):
    count, classes = 200, 10
    real = gaussian(count, 2)
    sure = np.full((count, classes), -50.0)
    sure[np.arange(count), np.arange(count) % classes] = 50.0
    found = InceptionScore().measure(
        evidence_of(InceptionScore(), tmp_path, real, real, logits=sure, stated={"splits": 1})
    )
    assert found["is"].value == pytest.approx(classes, rel=1e-6)
    unsure = InceptionScore().measure(
        evidence_of(InceptionScore(), tmp_path, real, real, logits=np.zeros((count, classes)))
    )
    assert unsure["is"].value == pytest.approx(1.0)


def test_the_score_of_classes_is_torch_fidelitys_of_all_logits_at_once(tmp_path):
    from torch_fidelity.metric_isc import isc_features_to_metric

    logits = np.random.RandomState(3).randn(101, 12).astype(np.float32)
    real = gaussian(101, 2)
    found = InceptionScore().measure(evidence_of(InceptionScore(), tmp_path, real, real, logits=logits))["is"]
    direct = isc_features_to_metric(torch.from_numpy(logits))
    assert found.value == pytest.approx(direct["inception_score_mean"], rel=1e-9)


def test_precision_and_recall_are_torch_fidelitys(tmp_path):
    from torch_fidelity.metric_prc import prc_features_to_metric

    real, painted = gaussian(150, 6, seed=1), gaussian(130, 6, scale=0.6, seed=2)
    found = PrecisionRecall().measure(evidence_of(PrecisionRecall(), tmp_path, real, painted))
    direct = prc_features_to_metric(torch.from_numpy(painted), torch.from_numpy(real), verbose=False)
    assert found["precision"].value == pytest.approx(direct["precision"], abs=1e-6)
    assert found["recall"].value == pytest.approx(direct["recall"], abs=1e-6)
    assert found["precision"].value > found["recall"].value  # narrower than the real ones
    with pytest.raises(RequestError, match=r"pr\.k = 130"):
        PrecisionRecall().measure(evidence_of(PrecisionRecall(), tmp_path, real, painted, stated={"k": 130}))


def test_density_and_coverage_of_sets_that_can_be_counted(tmp_path):
    """Reals at 0, 1, 2, ... on a line: with k = 1 each ball reaches to its neighbours, without them."""
    real = np.arange(10, dtype=np.float32)[:, None]
    metric = DensityCoverage()

    def of(painted):
        array = np.array(painted, dtype=np.float32)[:, None]
        found = metric.measure(evidence_of(metric, tmp_path, real, array, stated={"k": 1}))
        return found["density"].value, found["coverage"].value

    assert of([0.5, 3.5]) == (2.0, 0.4)  # each lies in two balls
    assert of([100.0, 200.0]) == (0.0, 0.0)
    assert of([5.0, 5.0]) == (1.0, 0.1)  # on a real one, at the edge of its neighbours' balls


def test_density_and_coverage_agree_with_a_table_of_all_distances(tmp_path):
    real, painted = gaussian(90, 5, seed=1), gaussian(70, 5, mean=0.2, seed=2)
    found = DensityCoverage().measure(evidence_of(DensityCoverage(), tmp_path, real, painted))
    within = np.linalg.norm(real[:, None] - real[None], axis=2)
    reach = np.sort(within, axis=1)[:, 5]
    across = np.linalg.norm(painted[:, None] - real[None], axis=2)
    assert found["density"].value == pytest.approx(((across < reach).sum(1) / 5).mean(), rel=1e-9)
    assert found["coverage"].value == pytest.approx((across < reach).any(0).mean(), rel=1e-9)


@pytest.mark.parametrize(("real_count", "painted_count"), [(2000, 2000), (1500, 2100)])
def test_the_sliced_distance_of_gaussians_is_the_closed_form(tmp_path, real_count, painted_count):
    """|m| / sqrt(D) for N(0, I) and N(m, I): here the same set moved, so that nothing of chance is in it."""
    dimensions = 10
    real = gaussian(real_count, dimensions, seed=1)
    shift = np.zeros(dimensions, dtype=np.float32)
    shift[:4] = 2.0  # of length 4
    painted = real + shift if real_count == painted_count else gaussian(painted_count, dimensions, seed=2) + shift
    metric = SlicedWasserstein()
    found = metric.measure(evidence_of(metric, tmp_path, real, painted, stated={"directions": 3000}))["swd"].value
    assert found == pytest.approx(4 / math.sqrt(dimensions), rel=0.03)


def test_the_sliced_distance_of_unequal_counts_is_that_of_each_picture_repeated(tmp_path):
    """Three times and twice as many of the same are the same distributions."""
    one, two = gaussian(40, 3, seed=1), gaussian(60, 3, mean=1, seed=2)
    metric = SlicedWasserstein()
    unequal = metric.measure(evidence_of(metric, tmp_path, one, two))["swd"].value
    equal = metric.measure(evidence_of(metric, tmp_path, np.repeat(one, 3, 0), np.repeat(two, 2, 0)))["swd"].value
    assert unequal == pytest.approx(equal, rel=1e-6)


def test_authenticity_tells_copies_from_more_of_the_same(tmp_path):
    metric, real = Authenticity(), gaussian(600, 6, seed=1)
    copies = metric.measure(evidence_of(metric, tmp_path, real, real[:200]))
    assert copies["authenticity"].value < 0.01 and copies["novelty"].value < 0.01
    fresh = metric.measure(evidence_of(metric, tmp_path, real, gaussian(600, 6, seed=2)))
    assert 0.4 < fresh["authenticity"].value < 0.6
    assert 0.9 < fresh["novelty"].value < 1.1


def batches(one, other):
    return lambda: iter([(one[:3], other[:3]), (one[3:], other[3:])])


def pictures(seed, count=5, channels=3, side=24):
    return np.random.RandomState(seed).randint(0, 256, (count, channels, side, side)).astype(np.uint8)


def pair_scores(metric, one, other, **stated):
    from ganzoo.evaluation.metric import Evidence, settings_of

    options = settings_of(metric, stated, real=0, painted=0)
    return metric.measure(Evidence(options=options, partners=batches(one, other), way_back=batches(one, other)))


def test_psnr_and_l1_are_their_formulas_and_ssim_is_piqs():
    import piq

    one = pictures(1)
    other = np.clip(one.astype(int) + 10, 0, 255).astype(np.uint8)
    found = pair_scores(Pairs(), one, other)
    squares = ((one.astype(float) - other) ** 2).mean((1, 2, 3))
    assert found["psnr"].value == pytest.approx((10 * np.log10(255**2 / squares)).mean(), abs=1e-3)
    assert found["l1"].value == pytest.approx(np.abs(one.astype(float) - other).mean() / 255, rel=1e-5)
    direct = piq.ssim(
        torch.from_numpy(one).float(), torch.from_numpy(other).float(), data_range=255, reduction="none",
        downsample=False,
    )  # fmt: skip
    assert found["ssim"].value == pytest.approx(direct.mean().item(), abs=1e-6)
    assert pair_scores(Pairs(), one, one)["ssim"].value == pytest.approx(1.0, abs=1e-5)
    assert pair_scores(Cycle(), one, other)["cycle_psnr"].value == found["psnr"].value


def test_the_crop_and_the_luma_are_those_of_the_field():
    """BT.601 from 16 to 235, as MATLAB's rgb2ycbcr; a border that differs does not count once it is cut off."""
    one = pictures(2)
    other = one.copy()
    other[:, :, :4], other[:, :, -4:], other[:, :, :, :4], other[:, :, :, -4:] = 0, 0, 0, 0
    assert pair_scores(Pairs(), one, other)["psnr"].value < 20
    assert pair_scores(Pairs(), one, other, crop=4)["psnr"].value == pytest.approx(80.0)
    white, black = np.full((5, 3, 16, 16), 255, np.uint8), np.zeros((5, 3, 16, 16), np.uint8)
    found = pair_scores(Pairs(), white, black, colour="y")
    assert found["l1"].value == pytest.approx((235 - 16) / 255, rel=1e-5)
    grey = pictures(3, channels=1)
    assert pair_scores(Pairs(), grey, grey, colour="y")["psnr"].value == pytest.approx(80.0)
    with pytest.raises(RequestError, match=r"pairs\.colour = 'lab': expected rgb or y"):
        Pairs().check({"crop": 0, "colour": "lab"}, 0, 5)
    with pytest.raises(RequestError, match="too small for pairs, which wants 11"):
        pair_scores(Pairs(), one, other, crop=8)


def test_options_are_held_to_what_a_metric_has():
    from ganzoo.evaluation.metric import settings_of

    assert settings_of(Kernel(), {"subsets": "5"}, real=70, painted=90) == {"subsets": 5, "subset_size": 70}
    with pytest.raises(RequestError, match=r"The metric kid has no option 'subset'\. Did you mean 'subsets'"):
        settings_of(Kernel(), {"subset": 5}, real=70, painted=90)
    with pytest.raises(RequestError, match=r"kid\.subsets = 'many': expected a whole number from 0, such as 100"):
        settings_of(Kernel(), {"subsets": "many"}, real=70, painted=90)


def test_intervals_hold_the_truth_as_often_as_they_say():
    """2,000 draws each: 95% within what chance allows (4 standard errors)."""
    random, trials = np.random.RandomState(0), 2000
    for share, count in ((0.3, 40), (0.05, 60), (0.5, 15)):
        hits = random.binomial(count, share, trials)
        inside = np.mean([one.low <= share <= one.high for one in (Estimate.of_share(int(k), count) for k in hits)])
        assert inside > 0.95 - 0.03
    draws = random.randn(trials, 6)
    inside = np.mean([one.low <= 0 <= one.high for one in (Estimate.of_values(list(row), method="") for row in draws)])
    assert abs(inside - 0.95) < 4 * math.sqrt(0.05 * 0.95 / trials)
    none, whole = Estimate.of_share(0, 20), Estimate.of_share(20, 20)
    assert none.low == 0 and none.high > 0.1 and none.error > 0
    assert whole.high == 1 and whole.low < 0.9 and whole.error > 0


def test_errors_that_are_stated_are_those_that_other_seeds_show(tmp_path):
    """Of shares of the painted pictures: 60 sets of one distribution against the same reals. Shares of the real ones
    move with the painted set as a whole, and state no error."""
    real = gaussian(400, 6, seed=1)
    metrics = (PrecisionRecall(), DensityCoverage(), Authenticity(), Kernel())
    found = {}
    for seed in range(60):
        painted = gaussian(150, 6, mean=0.3, seed=100 + seed)
        for metric in metrics:
            for name, one in metric.measure(evidence_of(metric, tmp_path, real, painted, seed=seed)).items():
                found.setdefault(name, []).append(one)
    for name in ("recall", "coverage"):
        assert {one.error for one in found[name]} == {None} and found[name][0].low is not None
    for name in ("precision", "density", "authenticity", "kid"):
        spread = np.std([one.value for one in found[name]], ddof=1)
        stated = np.mean([one.error for one in found[name]])
        assert spread < 1.35 * stated, name  # 60 draws: 3 standard errors of the spread are a third of it


def test_repetitions_are_no_surer_than_what_all_of_them_share():
    same = [Estimate.of_share(0, 100, given="the painted")] * 3
    assert Estimate.of_repeats(same).high == pytest.approx((same[0].high - same[0].low) / 2)
    assert Estimate.of_repeats(same).error is None
    apart = [Estimate.of_share(hits, 1000, given="the painted") for hits in (300, 500, 700)]
    assert Estimate.of_repeats(apart).high - 0.5 > 0.4
