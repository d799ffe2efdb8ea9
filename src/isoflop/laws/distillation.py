"""Loss of a student that learns from a teacher, beside the loss it would reach alone."""

from __future__ import annotations

import numpy as np

from isoflop.law import Array, Law, param


class Distillation(Law):
    r"""L = T + T^-c_0 [1 + (T / S d_1)^(1/f_1)]^(-c_1 f_1) (A / N^alpha + B / D^beta)^gamma.

    T is L_teacher, and S is L_alone: the loss of the same student trained on the same D without a
    teacher, from a law of its own, such as generalised. N is the student, D the tokens distilled.
    Below T = d_1 S a better teacher widens the gap that is left to it: the student may then be
    worse under a better teacher. Above, the student reaches its teacher.
    """

    key = "distillation"
    predicts = "L"
    source = "Busbridge et al. 2025, arXiv:2502.08606, eq. 8"
    homogeneous = False  # it takes losses and gives one: they cannot be rescaled without it

    A: float = param("params^alpha", typical=(500, 5e3))
    B: float = param("tokens^beta", typical=(1e4, 1e5))
    alpha: float = param("1", typical=(0.25, 0.5), bounds=(0, 2))
    beta: float = param("1", typical=(0.4, 0.7), bounds=(0, 2))
    gamma: float = param("1", typical=(0.5, 1), bounds=(0.01, 4))
    c_0: float = param("1", typical=(1, 4), bounds=(-20, 20), doc="what a better teacher widens")
    c_1: float = param("1", typical=(1, 10), doc="how fast the gap closes above")
    d_1: float = param("1", typical=(0.7, 1.5), doc="T / S above which it closes")
    f_1: float = param("1", typical=(0.1, 0.4), bounds=(0.01, 5), doc="how sharply that sets in")

    def __call__(self, N: Array, D: Array, L_teacher: Array, L_alone: Array) -> Array:
        ratio = np.log(L_teacher / L_alone / self.d_1)
        far = ratio / self.f_1
        softplus = np.maximum(far, 0) + np.log1p(np.exp(-np.maximum(far, -far)))
        closing = self.c_1 * self.f_1 * softplus
        student_term = (self.A / N**self.alpha + self.B / D**self.beta) ** self.gamma
        return L_teacher + np.exp(-self.c_0 * np.log(L_teacher) - closing) * student_term
