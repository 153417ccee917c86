"""StyleGAN2's layers with the operations as they are usually published for devices without custom kernels.

Filtered resampling puts zeros in by reshaping, pads, filters depthwise and slices; bias, leaky ReLU, gain and limit are
a step each; a convolution is modulated by weights of each sample's own, grouped by batch, or by scaling its input and
output with the demodulation taken from those weights. The parameters are the plugin's: `use` replaces what is computed.
"""

from ganzoo_stylegan import discriminator, synthesis
from ganzoo_stylegan.ops import GAIN, LEAK
from torch.nn import functional as F


def resampled(x, kernel, *, up=1, down=1, before=0, after=0, gain=1.0):
    batch, maps, height, width = x.shape
    x = x.reshape(batch, maps, height, 1, width, 1)
    x = F.pad(x, [0, up - 1, 0, 0, 0, up - 1]).reshape(batch, maps, height * up, width * up)
    x = F.pad(x, [before, after, before, after])
    weight = (kernel * gain).flip([0, 1])[None, None].repeat([maps, 1, 1, 1]).to(x.dtype)
    return F.conv2d(x, weight, groups=maps)[:, :, ::down, ::down]


def finished(x, bias, *, gain=GAIN, clamp=0.0):
    x = x + bias.reshape(1, -1, 1, 1)
    x = F.leaky_relu(x, LEAK)
    x = x * gain
    return x.clamp(-clamp, clamp) if clamp else x


def modulated(x, weight, style, *, kernel=None, demodulate=True, grouped):
    batch, size = x.shape[0], weight.shape[-1]
    own = weight[None] * style.reshape(batch, 1, -1, 1, 1)  # (B, D, C, K, K)
    scale = (own.square().sum([2, 3, 4]) + 1e-8).rsqrt() if demodulate else None  # (B, D)
    if grouped:
        if scale is not None:
            own = own * scale.reshape(batch, -1, 1, 1, 1)
        x = x.reshape(1, -1, *x.shape[2:])
        if kernel is None:
            x = F.conv2d(x, own.flatten(0, 1), padding=size // 2, groups=batch)
        else:
            x = F.conv_transpose2d(x, own.transpose(1, 2).flatten(0, 1), stride=2, groups=batch)
        x = x.reshape(batch, -1, *x.shape[2:])
    else:
        x = x * style.reshape(batch, -1, 1, 1)
        if kernel is None:
            x = F.conv2d(x, weight, padding=size // 2)
        else:
            x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
        if scale is not None and kernel is None:
            x = x * scale.reshape(batch, -1, 1, 1)
    if kernel is not None:
        x = resampled(x, kernel, before=1, after=1, gain=4.0)
        if not grouped and scale is not None:
            x = x * scale.reshape(batch, -1, 1, 1)
    return x


def use(patch, *, grouped):
    """patch(object, name, value): has the plugin's layers compute as published from now on."""

    def styled(self, x, w, noise=None):
        kernel = self.kernel if self._up else None
        x = modulated(x, self.weight, self.style(w), kernel=kernel, grouped=grouped)
        x = x + (self.noise if noise is None else noise) * self.noise_strength
        return finished(x, self.bias, clamp=self._clamp)

    def picture(self, x, w):
        x = modulated(x, self.weight, self.style(w) * self._scale, demodulate=False, grouped=grouped)
        return x + self.bias.reshape(1, -1, 1, 1)

    def scaled(self, x):
        weight = self.weight * self._scale
        if self._down and weight.shape[-1] == 1:
            x = F.conv2d(resampled(x, self.kernel, down=2, before=1, after=1), weight)
        elif self._down:
            x = F.conv2d(resampled(x, self.kernel, before=2, after=2), weight, stride=2)
        else:
            x = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
        if self.bias is None:
            return x * self._gain
        return finished(x, self.bias, gain=GAIN * self._gain, clamp=self._clamp)

    patch(synthesis.StyledConv, "forward", styled)
    patch(synthesis.ToPicture, "forward", picture)
    patch(discriminator.ScaledConv, "forward", scaled)
    patch(synthesis, "upsample", lambda x, kernel: resampled(x, kernel, up=2, before=2, after=1, gain=4.0))
