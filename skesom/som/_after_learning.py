# SPDX-License-Identifier: BSD-3-Clause
"""Results of a map that `partial_fit` leaves for later.

A stream calls `partial_fit` often, and asks for labels at its end: to group the units
takes longer than a step of learning. So the samples of the last call wait, and the
first question for a result that needs them finishes the map.
"""

from skesom._common.estimator import as_fitted


class AfterLearning:
    """An attribute that every call of `partial_fit` makes invalid.

    The value stands in the dictionary of the map, as that of any attribute. Where it is
    missing, the map finishes what has waited.
    """

    def __set_name__(self, owner, name):
        self._name = name

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        values = vars(instance)
        if self._name not in values:
            instance._finish_stream()
        if self._name in values:
            return values[self._name]
        raise AttributeError(
            f"{type(instance).__name__!r} has no attribute {self._name!r}"
        )

    def __set__(self, instance, value):
        vars(instance)[self._name] = value

    def __delete__(self, instance):
        del vars(instance)[self._name]


class FinishesAfterLearning:
    """Base of maps with attributes that are `AfterLearning`.

    A map has a method `_finish(samples, *others)`, which sets them and returns the unit
    of each sample.
    """

    def _after_learning(self, later, samples, *others):
        """Finish the map by its samples, now or when somebody asks for a result.

        Returns the unit of each sample, None if the map is finished later. The samples
        are copied then: the caller may fill their arrays anew.
        """
        for name in self._names_after_learning():
            vars(self).pop(name, None)
        if later:
            self._later = (samples.copy(), *others)
            return None
        vars(self).pop("_later", None)
        fitted = as_fitted(self)
        winners = fitted._finish(samples, *others)
        self._take_results(fitted)
        return winners

    def _finish_stream(self):
        """Finish the map, if that has waited after `partial_fit`.

        Another thread may do the same: a copy is finished, and its results are taken
        together.
        """
        arguments = vars(self).get("_later")
        if arguments is None:
            return
        fitted = object.__new__(type(self))
        vars(fitted).update(vars(as_fitted(self)))
        fitted._finish(*arguments)
        self._take_results(fitted)
        vars(self).pop("_later", None)

    def _take_results(self, fitted):
        """Take the results of a finished copy at once."""
        values = vars(fitted)
        names = self._names_after_learning() & values.keys()
        vars(self).update({name: values[name] for name in names})

    @classmethod
    def _names_after_learning(cls):
        return {
            name
            for base in cls.__mro__
            for name, value in vars(base).items()
            if isinstance(value, AfterLearning)
        }
