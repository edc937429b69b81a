"""a seed in -> a sampler that draws the same for a trial of the same number each time out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState


class SeededTPE(BaseSampler):
    """Tree-structured Parzen estimators (Bergstra et al. 2011), seeded anew for each trial.

    With one worker a study is the same each time, and no two of several draw the same.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.inner = TPESampler()

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        seed = np.random.SeedSequence([self.seed, trial.number])
        # Together with what runs elsewhere, so that workers do not crowd at one place.
        self.inner = TPESampler(
            seed=int(seed.generate_state(1)[0]), multivariate=True, constant_liar=True
        )
        self.inner.before_trial(study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self.inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self.inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        return self.inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        self.inner.after_trial(study, trial, state, values)
