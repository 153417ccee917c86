"""The execution providers that ganzoo knows, by the name that users type."""

from __future__ import annotations

from ganzoo.errors import RequestError, did_you_mean

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


def check_name(provider: str) -> str:
    """ONNX Runtime's name of a provider. Raises RequestError for one that ganzoo does not know."""
    if provider not in PROVIDERS:
        raise RequestError(
            f"There is no provider {provider!r}.{did_you_mean(provider, PROVIDERS)} Providers: {', '.join(PROVIDERS)}."
        )
    return PROVIDERS[provider]
