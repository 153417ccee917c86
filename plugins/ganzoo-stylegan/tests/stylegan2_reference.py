"""StyleGAN2 written from the papers, over plain tensors by the original names, as something to hold ours against.

Modulated weights of each sample's own, zeros put between pixels, filters with explicit padding. Nothing of our networks
is used. Arguments are those that the official networks are made with; tensors are drawn when a network is first run.
"""

import torch
from torch.nn import functional as F

WIDTH = 16  # of z and w
ACTIVATIONS = {
    "linear": (lambda x: x, 1.0),
    "relu": (F.relu, 2**0.5),
    "lrelu": (lambda x: F.leaky_relu(x, 0.2), 2**0.5),
    "tanh": (torch.tanh, 1.0),
    "swish": (lambda x: x * x.sigmoid(), 2**0.5),
}


class Tensors:
    """Draws the tensors of a network when it is first run, and uses them then on."""

    def __init__(self, seed):
        self.random, self.state, self.modules = torch.Generator().manual_seed(seed), {}, {}

    def tensor(self, name, *shape, scale=1.0, offset=0.0):
        if name not in self.state:
            self.state[name] = torch.randn(shape, generator=self.random) * scale + offset
        return self.state[name]

    def note(self, name, **attributes):
        self.modules.setdefault(name, attributes)

    def dense(self, x, name, out, *, activation="linear", multiplier=1.0, offset=0.0):
        self.note(
            name, activation=activation, weight_gain=multiplier / x.shape[1] ** 0.5, bias_gain=multiplier
        )  # fmt: skip
        weight = self.tensor(f"{name}.weight", out, x.shape[1], scale=1 / multiplier)
        bias = self.tensor(f"{name}.bias", out, scale=0.3 / multiplier, offset=offset / multiplier)
        function, gain = ACTIVATIONS[activation]
        return function(x @ weight.T * multiplier / x.shape[1] ** 0.5 + bias * multiplier) * gain

    def low_pass(self, name, taps):
        taps = torch.as_tensor(taps, dtype=torch.float32)
        kernel = torch.outer(taps, taps) / taps.sum() ** 2
        self.state.setdefault(f"{name}.resample_filter", kernel)
        return kernel


def filtered(x, kernel, before, after, gain=1.0):
    x = F.pad(x, (before, after, before, after))
    return F.conv2d(x.flatten(0, 1)[:, None], kernel.flip(0, 1)[None, None] * gain).unflatten(0, x.shape[:2])[:, :, 0]


def spread(x):
    """A zero behind each pixel, along both sides."""
    out = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    out[:, :, ::2, ::2] = x
    return out


def clamped(x, clamp):
    return x if clamp is None else x.clamp(-clamp, clamp)


def unit(x):
    return x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()


def mapped(net, z, c, *, out, num_layers, lr_multiplier, activation):
    """mapping.*: z (B, Z) or None, c one-hot or None."""
    net.note("mapping", num_layers=num_layers)
    parts = ([unit(z)] if z is not None else []) + ([unit(net.dense(c, "mapping.embed", out))] if c is not None else [])
    x = torch.cat(parts, 1)
    for layer in range(num_layers):
        x = net.dense(x, f"mapping.fc{layer}", out, activation=activation, multiplier=lr_multiplier)
    return x


class Painter(Tensors):
    """G. given: arguments as a pickle keeps them, in the layout of stylegan2-ada-pytorch, with that one's defaults."""

    def __init__(self, given, seed=0):
        super().__init__(seed)
        self.given = given
        self.mapping = {"num_layers": 8, "lr_multiplier": 0.01, "activation": "lrelu", **given["mapping_kwargs"]}
        self.options = {
            "channel_base": 32768, "channel_max": 512, "conv_clamp": None, "use_noise": True, "activation": "lrelu",
            "resample_filter": [1, 3, 3, 1], "architecture": "skip", **given["synthesis_kwargs"],
        }  # fmt: skip

    def maps(self, side):
        return min(self.options["channel_base"] // side, self.options["channel_max"])

    def __call__(self, z, c=None, psi=1.0, cutoff=None):
        mapping = {key: self.mapping[key] for key in ("num_layers", "lr_multiplier", "activation")}
        w = mapped(self, z, c, out=self.given["w_dim"], **mapping)
        average = self.tensor("mapping.w_avg", self.given["w_dim"], scale=0.3)
        sides = [2**power for power in range(2, self.given["img_resolution"].bit_length())]
        ws = torch.stack([w] * (2 * len(sides)), 1)
        ws[:, :cutoff] = average + psi * (ws[:, :cutoff] - average)
        picture, place = None, 0
        for side in sides:
            block = f"synthesis.b{side}"
            self.note(block, architecture=self.options["architecture"], resolution=side, is_last=side == sides[-1])
            kernel = self.low_pass(block, self.options["resample_filter"])
            if side == 4:
                x = self.tensor(f"{block}.const", self.maps(4), 4, 4).expand(len(z), -1, -1, -1)
            else:
                x = self.convolved(x, f"{block}.conv0", ws[:, place], side, up=True)
                place += 1
            x = self.convolved(x, f"{block}.conv1", ws[:, place], side, up=False)
            place += 1
            rgb = self.painted(x, f"{block}.torgb", ws[:, place])
            picture = rgb if picture is None else filtered(spread(picture), kernel, 2, 1, gain=4.0) + rgb
        return picture

    def modulated(self, x, weight, style, demodulate, up):
        rows = []
        for one, scale in zip(x, style, strict=True):
            own = weight * scale[None, :, None, None]
            if demodulate:
                own = own / (own.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
            if up:  # what is spread and convolved, the kernel turned round
                rows.append(F.conv2d(F.pad(spread(one[None])[:, :, :-1, :-1], (2, 2, 2, 2)), own.flip(2, 3)))
            else:
                rows.append(F.conv2d(one[None], own, padding=own.shape[-1] // 2))
        return torch.cat(rows)

    def convolved(self, x, name, w, side, *, up):
        options = self.options
        kernel = self.low_pass(name, options["resample_filter"])
        self.note(
            name, activation=options["activation"], conv_clamp=options["conv_clamp"], use_noise=options["use_noise"],
            resolution=side, up=1 + up, act_gain=ACTIVATIONS[options["activation"]][1],
        )  # fmt: skip
        style = self.dense(w, f"{name}.affine", x.shape[1], offset=1.0)
        weight = self.tensor(f"{name}.weight", self.maps(side), x.shape[1], 3, 3)
        x = self.modulated(x, weight, style, True, up)
        if up:
            x = filtered(x, kernel, 1, 1, gain=4.0)
        if options["use_noise"]:
            noise = self.tensor(f"{name}.noise_const", side, side)
            x = x + noise * self.tensor(f"{name}.noise_strength", scale=0.5)
        x = x + self.tensor(f"{name}.bias", x.shape[1], scale=0.3)[:, None, None]
        function, gain = ACTIVATIONS[options["activation"]]
        return clamped(function(x) * gain, options["conv_clamp"])

    def painted(self, x, name, w):
        self.note(name, conv_clamp=self.options["conv_clamp"], weight_gain=x.shape[1] ** -0.5)
        style = self.dense(w, f"{name}.affine", x.shape[1], offset=1.0) / x.shape[1] ** 0.5
        weight = self.tensor(f"{name}.weight", self.given["img_channels"], x.shape[1], 1, 1)
        x = self.modulated(x, weight, style, False, False)
        return clamped(
            x + self.tensor(f"{name}.bias", len(weight), scale=0.3)[:, None, None], self.options["conv_clamp"]
        )


class Judge(Tensors):
    """D, in the layout that both repositories have."""

    def __init__(self, given, seed=1):
        super().__init__(seed)
        self.given = {
            "architecture": "resnet", "channel_base": 32768, "channel_max": 512, "conv_clamp": None, **given,
        }  # fmt: skip
        self.block = {"activation": "lrelu", "resample_filter": [1, 3, 3, 1], **given.get("block_kwargs", {})}
        self.mapping = {
            "num_layers": 8, "lr_multiplier": 0.01, "activation": "lrelu", **given.get("mapping_kwargs", {}),
        }  # fmt: skip
        self.end = {"mbstd_group_size": 4, "activation": "lrelu", **given.get("epilogue_kwargs", {})}

    def maps(self, side):
        return min(self.given["channel_base"] // side, self.given["channel_max"])

    def conv(self, x, name, out, size, *, activation, down=False, gain=1.0, clamp=None, bias=True):
        kernel = self.low_pass(name, self.block["resample_filter"])
        self.note(
            name, activation=activation, conv_clamp=clamp, act_gain=ACTIVATIONS[activation][1], down=1 + down, up=1,
            weight_gain=(x.shape[1] * size**2) ** -0.5,
        )  # fmt: skip
        weight = self.tensor(f"{name}.weight", out, x.shape[1], size, size) / (x.shape[1] * size**2) ** 0.5
        if down:
            x = filtered(x, kernel, size // 2 + 1, size // 2 + 1)
            x = F.conv2d(x, weight, stride=2)
        else:
            x = F.conv2d(x, weight, padding=size // 2)
        if bias:
            x = x + self.tensor(f"{name}.bias", out, scale=0.3)[:, None, None]
        function, usual = ACTIVATIONS[activation]
        return clamped(function(x) * usual * gain, None if clamp is None else clamp * gain)

    def __call__(self, x, c=None):
        given, side = self.given, self.given["img_resolution"]
        clamp, activation = given["conv_clamp"], self.block["activation"]
        residual = given["architecture"] == "resnet"
        x = self.conv(x, f"b{side}.fromrgb", self.maps(side), 1, activation=activation, clamp=clamp)
        while side > 4:
            name, half, out = f"b{side}", 0.5**0.5 if residual else 1.0, self.maps(side // 2)
            self.note(name, architecture=given["architecture"], resolution=side)
            self.low_pass(name, self.block["resample_filter"])
            y = self.conv(x, f"{name}.conv0", x.shape[1], 3, activation=activation, clamp=clamp)
            y = self.conv(y, f"{name}.conv1", out, 3, activation=activation, down=True, gain=half, clamp=clamp)
            if residual:
                y = y + self.conv(x, f"{name}.skip", out, 1, activation="linear", down=True, gain=half, bias=False)
            x, side = y, side // 2
        group = min(self.end["mbstd_group_size"] or len(x), len(x))
        self.note("b4.mbstd", group_size=self.end["mbstd_group_size"], num_channels=1)
        apart = x.unflatten(0, (group, -1))  # strided: sample n is of the group n modulo their number
        deviation = (apart.var(0, correction=0) + 1e-8).sqrt().mean((1, 2, 3)).repeat(group)
        x = torch.cat([x, deviation[:, None, None, None].expand(-1, 1, 4, 4)], 1)
        x = self.conv(x, "b4.conv", self.maps(4), 3, activation=self.end["activation"], clamp=clamp)
        x = self.dense(x.flatten(1), "b4.fc", self.maps(4), activation=self.end["activation"])
        x = self.dense(x, "b4.out", self.maps(4) if c is not None else 1)
        if c is None:
            return x
        mapping = {key: self.mapping[key] for key in ("num_layers", "lr_multiplier", "activation")}
        direction = mapped(self, None, c, out=self.maps(4), **mapping)
        return (x * direction).sum(1, keepdim=True) / self.maps(4) ** 0.5
