from ganzoo import ArchitectureSpec, DataSourceSpec, LoggerSpec, Preset, hookimpl

GANZOO_API = 1

_TINY = Preset(
    summary="for tests",
    architecture={"latent_size": 4},
    train={"batch_size": 4, "steps": 4, "sample_count": 4, "score_count": 16},
    data={"size": 8, "channels": 1},
)


@hookimpl
def ganzoo_architectures():
    return [
        ArchitectureSpec(
            name="api1-painter",
            task="noise-to-image",
            summary="a label, a truncation, a shared pass, everything overridden",
            config="ganzoo_api1.config:Config",
            implementation="ganzoo_api1.painter:PainterGAN",
            presets={"tiny": _TINY},
        ),
        ArchitectureSpec(
            name="api1-translator",
            task="image-to-image",
            summary="two translators and a pool over all ranks",
            implementation="ganzoo_api1.translator:Translation",
            importer="ganzoo_api1.importing:read",
            presets={"tiny": Preset(summary="for tests", train={"batch_size": 2, "steps": 4, "sample_count": 4},
                                    data={"size": 8, "channels": 3})},
        ),
    ]  # fmt: skip


@hookimpl
def ganzoo_data_sources():
    return [DataSourceSpec(name="api1-stripes", summary="stripes", implementation="ganzoo_api1.stripes:open_stripes")]


@hookimpl
def ganzoo_loggers():
    return [LoggerSpec(name="api1-lines", summary="a text file", implementation="ganzoo_api1.lines:Lines")]
