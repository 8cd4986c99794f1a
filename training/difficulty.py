"""Which kinds of things a model still draws badly, so that their scenes are drawn more often."""

from collections import defaultdict

from training.scene import Scene

_LEVELS = 10  # bins of the noise level: what can be guessed differs much between them
_TOLD = 0.02  # of each scene, in the mean of its kinds
_LEAST, _MOST = 0.3, 1.5  # of the mean of all


class Difficulty:
    """Losses of each kind over those of all scenes at the same noise level, in running means."""

    def __init__(self):
        self.levels = [None] * _LEVELS
        self.kinds = defaultdict(lambda: 1.0)

    def tell(self, subjects, noise_levels, losses):
        for subject, level, loss in zip(subjects, noise_levels.tolist(), losses.tolist()):
            at = min(int(level * _LEVELS), _LEVELS - 1)
            mean = self.levels[at]
            self.levels[at] = mean = loss if mean is None else mean + _TOLD / 4 * (loss - mean)
            for kind in kinds(subject):
                self.kinds[kind] += _TOLD * (loss / mean - self.kinds[kind])

    def chance(self, subject):
        """Of being taken when drawn, 0.2 to 1: a scene counts as its hardest thing."""
        hardest = max((self.kinds[kind] for kind in kinds(subject)), default=1.0)
        return min(max(hardest, _LEAST), _MOST) / _MOST


def kinds(subject):
    """Of a scene in the plain style (others have losses of their own); none of edits and clips."""
    if not isinstance(subject, Scene) or subject.style != "flat":
        return set()
    return {thing.kind for thing in subject.things}
