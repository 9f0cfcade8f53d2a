"""Arguments by name: the fast path says what `inspect` says."""

from __future__ import annotations

import inspect

from hypothesis import given
from hypothesis import strategies as st

from otel_telemetry.tracing.arguments import Binder


def none():
    pass


def simple(a, b=1):
    pass


def keyword_only(a, *, b, c=2):
    pass


def positional_only(a, b=1, /, c=3):
    pass


def variable(a, *args, b=5, **kwargs):
    pass


def defaults_only(a=1, b=2, c=3):
    pass


FUNCTIONS = [none, simple, keyword_only, positional_only, variable, defaults_only]
NAMES = st.sampled_from(["a", "b", "c", "d"])


@given(
    st.sampled_from(FUNCTIONS), st.lists(st.integers(), max_size=4).map(tuple), st.dictionaries(NAMES, st.integers())
)
def test_arguments_by_name(function, args, kwargs):
    found = Binder(function).bind(args, kwargs)
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except TypeError:
        assert found == {"args": args, "kwargs": kwargs}
    else:
        bound.apply_defaults()
        assert (found or {}) == dict(bound.arguments)
        assert list(found or {}) == list(bound.arguments)


class Thing:
    def method(self, a, b=2):
        pass

    @classmethod
    def of_class(cls, a):
        pass


def test_the_receiver_is_left_out():
    assert Binder(Thing.method).bind((Thing(), 1), {}) == {"a": 1, "b": 2}
    assert Binder(Thing.method).bind((), {"self": Thing(), "a": 1}) == {"a": 1, "b": 2}
    assert Binder(Thing().method).bind((1,), {}) == {"a": 1, "b": 2}
    assert Binder(Thing.of_class.__func__).bind((Thing, 1), {}) == {"a": 1}
