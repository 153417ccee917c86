"""CycleGAN's game: two translators, two discriminators, and a way there and back.

Paper: Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks, arXiv:1703.10593.
Deviations: none. A translator's two tasks of one step, translation and identity, are one pass of twice the batch
where normalisation is by instance, which gives the same numbers.

With G: a -> b, F: b -> a, D_a and D_b judging patches, lambda the cycle's weight and i the identity's share:

    L_G,F = mean (D_b(G(a)) - 1)^2 + (D_a(F(b)) - 1)^2
            + lambda (|F(G(a)) - a| + |G(F(b)) - b|) + i lambda (|G(b) - b| + |F(a) - a|)
    L_D   = 1/2 mean (D_b(b) - 1)^2 + D_b(b~)^2 + (D_a(a) - 1)^2 + D_a(a~)^2

where a~, b~ are fakes of this step, made before G and F moved, half of them exchanged for some of the past.

Shapes: B batch, C channels, H, W. a: source domain, b: target domain.
"""

from collections.abc import Mapping, Sequence

from torch import Tensor
from torch.nn.functional import l1_loss

from ganzoo.architecture import Direction, Losses, Optimizer, Pair, Phase, Step
from ganzoo.errors import RequestError
from ganzoo_cyclegan.config import CycleGANConfig
from ganzoo_cyclegan.pool import ImagePool
from ganzoo_cyclegan.translation import Translation, fooling_loss, judging_loss


class CycleGAN(Translation):
    config: CycleGANConfig

    def build(self) -> None:
        self.g_ab = self.build_generator()
        self.accept_sizes(self.g_ab, judged=self.config.directions == "both")
        if self.config.directions == "a2b":
            return
        self._check_identity()
        self.g_ba = self.build_generator(reads="target", paints="source")
        self.d_a, self.d_b = self.build_discriminator("source"), self.build_discriminator("target")
        self.pool_a, self.pool_b = (
            ImagePool(self.config.pool_size, self.data.pictures[domain].shape) for domain in ("source", "target")
        )

    def _check_identity(self) -> None:
        """What is in a domain already can be shown to a translator only if it reads as many channels as it paints."""
        read, painted = self.channels_of("source"), self.channels_of("target")
        if self.config.identity_weight and read != painted:
            raise RequestError(
                f"identity_weight is {self.config.identity_weight}, and the identity loss shows a translator pictures "
                f"of the domain that it paints: the source has {read} channels and the target {painted}.",
                hint="Leave that loss out, --set identity_weight=0, or have both alike.",
            )

    def directions(self) -> Mapping[str, Direction]:
        there = {"a2b": Direction(network=self.g_ab, reads="source", paints="target")}
        if self.config.directions == "a2b":
            return there
        return {**there, "b2a": Direction(network=self.g_ba, reads="target", paints="source")}

    def optimizers(self) -> Mapping[str, Optimizer]:
        if self.config.directions == "a2b":
            raise RequestError(
                "This CycleGAN is one translator alone, and the game needs both and their discriminators.",
                hint="Begin a run with --set directions=both and --init-from RUN, which takes this one's weights.",
            )
        return {"generators": self.optimizer("g_ab", "g_ba"), "discriminators": self.optimizer("d_a", "d_b")}

    def phases(self) -> Sequence[Phase]:
        return [
            Phase(name="generators", optimizer="generators", loss=self.generators_loss),
            Phase(name="discriminators", optimizer="discriminators", loss=self.discriminators_loss),
        ]

    def translations(self, batch: Pair, step: Step) -> tuple[Tensor, ...]:
        """The fakes of this step (B, C, H, W): G_AB(a), G_BA(b); and, if identity counts, G_AB(b), G_BA(a)."""
        a, b = batch.source, batch.target
        if not self.config.identity_weight:
            return self.g_ab(a), self.g_ba(b)
        (fake_b, same_b), (fake_a, same_a) = self.together(self.g_ab, a, b), self.together(self.g_ba, b, a)
        return fake_b, fake_a, same_b, same_a

    def generators_loss(self, batch: Pair, step: Step) -> Losses:
        config, a, b = self.config, batch.source, batch.target
        fake_b, fake_a, *same = step.shared("translations", lambda: self.translations(batch, step))
        cycle = l1_loss(self.g_ba(fake_b), a) + l1_loss(self.g_ab(fake_a), b)
        terms = {
            "adversarial_ab": fooling_loss(config.objective, self.d_b(fake_b)),
            "adversarial_ba": fooling_loss(config.objective, self.d_a(fake_a)),
            "cycle": config.cycle_weight * cycle,  # lambda (|G_BA(G_AB(a)) - a| + |G_AB(G_BA(b)) - b|)
        }
        if same:
            identity = l1_loss(same[0], b) + l1_loss(same[1], a)
            terms["identity"] = config.identity_weight * config.cycle_weight * identity
        return Losses(terms, {"cycle_l1": cycle.detach() / 2})

    def discriminators_loss(self, batch: Pair, step: Step) -> Losses:
        """Judges the fakes as they were made before the generators moved, and some of the past."""
        # Asked for without the gradient; the identity pictures ride along and are not used.
        fake_b, fake_a = step.shared("translations", lambda: self.translations(batch, step), detach=True)[:2]
        terms: dict[str, Tensor] = {}
        stats: dict[str, Tensor] = {}
        for side, judge, pool, real, fake in (
            ("a", self.d_a, self.pool_a, batch.source, fake_a),
            ("b", self.d_b, self.pool_b, batch.target, fake_b),
        ):
            shown = pool.exchange(fake, step, f"pool {side}")
            real_logits, fake_logits = self.together(judge, real, shown)
            terms[f"adversarial_{side}"] = judging_loss(self.config.objective, real_logits, fake_logits)
            stats |= {f"real_{side}": real_logits.detach().mean(), f"fake_{side}": fake_logits.detach().mean()}
        return Losses(terms, stats)
