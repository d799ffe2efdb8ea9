"""The parts of a block between its attention, each with its gradients written by hand.

A small model on a CPU waits for memory and for PyTorch's dispatch, not for products. A block that
autograd differentiates kernel by kernel is some 150 calls; by hand it is a third of that, products
add to the stream where they end, and a rotation is one complex product. The function is the same.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

# Tensor suffixes: b sequences, t tokens, n tokens of all sequences, w width, h heads, c channels
# of a head, f channels of the SwiGLU, p pairs of channels that rotate, v vocabulary.
# A slope is a gradient.


class Normalisation(Function):
    """x (..., w) over its root mean square, times a gain (w,)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gain_w: Tensor) -> Tensor:
        """Return the normalised x (..., w)."""
        x_nw = x.reshape(-1, x.shape[-1])
        y_nw, inverse_n1 = _normalise(x_nw, gain_w)
        ctx.save_for_backward(x_nw, gain_w, inverse_n1)
        return y_nw.view(x.shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradients of x and of the gain."""
        slope_nw = slope.reshape(-1, slope.shape[-1])
        x_slope_nw, gain_slope_w = _normalise_slope(slope_nw, *ctx.saved_tensors)
        return x_slope_nw.view(slope.shape), gain_slope_w


class Projection(Function):
    """From the stream to queries, keys and values: norm, one product, rotation by position."""

    @staticmethod
    def forward(
        ctx: Any, x_btw: Tensor, gain_w: Tensor, qkv: Tensor, turn_tp: Tensor, head: int
    ) -> tuple[Tensor, ...]:
        """Return q, k, v, each (b, h, t, c), by the matrix `qkv` (3 w, w) and `turns`."""
        b, t, w = x_btw.shape
        x_nw = x_btw.reshape(-1, w)
        scaled_nw, inverse_n1 = _normalise(x_nw, gain_w)
        scaled_nw = scaled_nw.to(_format(x_nw))
        matrix = _pair(qkv, head).to(scaled_nw.dtype)
        y = torch.mm(scaled_nw, matrix.t()).to(x_nw.dtype)
        pairs = torch.view_as_complex(y.view(b, t, -1, 2)) * turn_tp
        parts = torch.view_as_real(pairs).view(b, t, 3, w // head, head).permute(2, 0, 3, 1, 4)
        ctx.save_for_backward(x_nw, gain_w, inverse_n1, scaled_nw, matrix, turn_tp)
        return parts[0], parts[1], parts[2]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of the stream, of the gain and of the matrix."""
        x_nw, gain_w, inverse_n1, scaled_nw, matrix, turn_tp = ctx.saved_tensors
        b, _, t, head = slopes[0].shape
        slope = torch.stack([s.transpose(1, 2) for s in slopes], 2).view(b, t, -1, 2)
        pairs = torch.view_as_complex(slope).mul_(turn_tp.conj())
        y_slope = torch.view_as_real(pairs).view(len(x_nw), -1).to(matrix.dtype)
        qkv_slope = _unpair(torch.mm(y_slope.t(), scaled_nw), head)
        scaled_slope_nw = torch.mm(y_slope, matrix)
        x_slope_nw, gain_slope_w = _normalise_slope(scaled_slope_nw, x_nw, gain_w, inverse_n1)
        return x_slope_nw.view(b, t, -1), gain_slope_w, qkv_slope, None, None


class Remainder(Function):
    """A block after its attention: the mix, the norm and the SwiGLU, added to the stream."""

    @staticmethod
    def forward(
        ctx: Any,
        x_btw: Tensor,
        y_btw: Tensor,
        mix: Tensor,
        gain_w: Tensor,
        up: Tensor,
        down: Tensor,
    ) -> Tensor:
        """Return the stream (b, t, w) from what it was and what attention gave, y (b, t, w)."""
        x_nw, y_nw = (v.reshape(-1, v.shape[-1]) for v in (x_btw, y_btw))
        kind = _format(x_nw)
        y_nw, mix, up, down = (v.to(kind) for v in (y_nw, mix, up, down))
        middle_nw = _add_product(x_nw, y_nw, mix)
        scaled_nw, inverse_n1 = _normalise(middle_nw, gain_w)
        scaled_nw = scaled_nw.to(kind)
        gate_nf, value_nf = (torch.mm(scaled_nw, part.t()) for part in up.chunk(2))
        open_nf = F.silu(gate_nf)
        inner_nf = open_nf * value_nf
        norm = (middle_nw, gain_w, inverse_n1, scaled_nw)
        gated = (gate_nf, value_nf, open_nf, inner_nf)
        ctx.save_for_backward(y_nw, *norm, *gated, mix, up, down)
        return _add_product(middle_nw, inner_nf, down).view(x_btw.shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope_btw: Tensor) -> tuple[Tensor, ...]:
        """Return the gradients of what `forward` takes."""
        (
            y_nw,
            middle_nw,
            gain_w,
            inverse_n1,
            scaled_nw,
            gate_nf,
            value_nf,
            open_nf,
            inner_nf,
            mix,
            up,
            down,
        ) = ctx.saved_tensors
        shape, kind = slope_btw.shape, up.dtype
        slope_nw = slope_btw.reshape(-1, shape[-1])
        out_nw = slope_nw.to(kind)
        inner_slope_nf = torch.mm(out_nw, down)
        value_slope_nf = inner_slope_nf * open_nf
        gate_slope_nf = torch.ops.aten.silu_backward(inner_slope_nf.mul_(value_nf), gate_nf)
        up_slope = torch.empty_like(up)
        torch.mm(gate_slope_nf.t(), scaled_nw, out=up_slope[: len(up) // 2])
        torch.mm(value_slope_nf.t(), scaled_nw, out=up_slope[len(up) // 2 :])
        gate, value = up.chunk(2)
        scaled_slope_nw = torch.mm(gate_slope_nf, gate).addmm_(value_slope_nf, value)
        middle_slope_nw, gain_slope_w = _normalise_slope(
            scaled_slope_nw, middle_nw, gain_w, inverse_n1
        )
        middle_slope_nw += slope_nw
        both_nw = middle_slope_nw.to(kind)
        return (
            middle_slope_nw.view(shape),
            torch.mm(both_nw, mix).view(shape),
            torch.mm(both_nw.t(), y_nw),
            gain_slope_w,
            up_slope,
            torch.mm(out_nw.t(), inner_nf),
        )


class CrossEntropy(Function):
    """The mean cross-entropy of logits (n, v) [nats], which keeps the probabilities alone."""

    @staticmethod
    def forward(ctx: Any, logits_nv: Tensor, targets_n: Tensor) -> Tensor:
        """Return the mean over n; a probability of zero counts as the least that is not."""
        share_nv = torch.softmax(logits_nv, -1)
        ctx.save_for_backward(share_nv, targets_n)
        of_target_n1 = share_nv.gather(1, targets_n[:, None])
        return -of_target_n1.clamp_(min=torch.finfo(share_nv.dtype).tiny).log_().mean()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        """Return the gradient of the logits: their shares, less one at the target."""
        share_nv, targets_n = ctx.saved_tensors
        scale = slope / len(share_nv)
        logits_slope_nv = share_nv * scale
        less_n1 = (-scale).expand(len(share_nv), 1)
        return logits_slope_nv.scatter_add_(1, targets_n[:, None], less_n1), None


def turns(width: int, head: int, context: int) -> Tensor:
    """Return by what each pair of channels of q, k and v is turned at each position, (t, 3 w / 2).

    The slowest pair turns once in about six contexts. The usual base of 10,000 leaves most pairs
    still within a short context: near tokens are then found late, and at a time that hangs on
    the initial weights, which is noise in a sweep. Values are not turned: theirs are ones.
    """
    speed = float(context) ** (-torch.arange(0, head, 2) / head)
    angle = torch.arange(context)[:, None] * speed
    turn = torch.complex(angle.cos(), angle.sin()).repeat(1, 2 * width // head)
    return torch.cat((turn, torch.ones(context, width // 2, dtype=turn.dtype)), 1)


def _format(x: Tensor) -> torch.dtype:
    """Return the number format of products: autocast's where that is on."""
    device = x.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype


def _add_product(x_nw: Tensor, y: Tensor, matrix: Tensor) -> Tensor:
    """Return x + y matrix^T in the format of x: the stream is never rounded to that of products."""
    if matrix.dtype == x_nw.dtype:
        return torch.addmm(x_nw, y, matrix.t())
    return x_nw + torch.mm(y, matrix.t())


def _normalise(x_nw: Tensor, gain_w: Tensor) -> tuple[Tensor, Tensor]:
    """Return x over its root mean square, times the gain; and one over the root (n, 1)."""
    norm_n1 = torch.linalg.vector_norm(x_nw, dim=-1, keepdim=True)
    mean_n1 = norm_n1.square_().div_(x_nw.shape[-1])
    inverse_n1 = mean_n1.add_(torch.finfo(x_nw.dtype).eps).rsqrt_()
    return (x_nw * inverse_n1).mul_(gain_w), inverse_n1


def _normalise_slope(
    slope_nw: Tensor, x_nw: Tensor, gain_w: Tensor, inverse_n1: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the gradients of x and of the gain.

    With r one over the root, y = r g x: dx = r g dy - r^3 x sum(x g dy) / w, dg = sum(r x dy).
    """
    product_nw = slope_nw * x_nw
    common_n1 = torch.mv(product_nw, gain_w)[:, None]
    common_n1 *= inverse_n1.pow(3).div_(x_nw.shape[-1])
    x_slope_nw = (slope_nw * gain_w).mul_(inverse_n1).addcmul_(x_nw, common_n1, value=-1)
    return x_slope_nw, torch.mv(product_nw.t(), inverse_n1[:, 0])


def _pair(qkv: Tensor, head: int) -> Tensor:
    """Return the rows of `qkv` (3 w, w) with those that rotate together side by side.

    In every head of q and of k, channel i is turned with channel i + c / 2.
    """
    width = qkv.shape[1]
    halves = qkv[: 2 * width].view(-1, 2, head // 2, width).transpose(1, 2)
    return torch.cat((halves.reshape(2 * width, width), qkv[2 * width :]))


def _unpair(qkv: Tensor, head: int) -> Tensor:
    """Return the rows that `_pair` moved to where they were."""
    width = qkv.shape[1]
    pairs = qkv[: 2 * width].view(-1, head // 2, 2, width).transpose(1, 2)
    return torch.cat((pairs.reshape(2 * width, width), qkv[2 * width :]))
