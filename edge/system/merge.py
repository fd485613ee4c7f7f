"""Settings laid over settings: an image's label, then service.yml, then the item of system.yml."""

from typing import Any

from edge.strict.model import StrictModel
from edge.system.mounting import BoundNamespaces, Runtime
from edge.system.settings import Settings

_APPENDED = {"capabilities_add": "capabilities", "binds_add": "binds"}


def settings_of(written: Settings) -> Settings:
    """Return only the settings of an item or a service file, as written."""
    names = written.model_fields_set & Settings.model_fields.keys()
    return _settings({name: getattr(written, name) for name in names})


def merge_settings(base: Settings, over: Settings) -> Settings:
    """Return `base` with each field that `over` writes; the `.add` keys of both are appended.

    Of `runtime` each key counts alone, and so does each namespace of its `bindNS`. The result has
    no `.add` left, and its `model_fields_set` is what either of them wrote.
    """
    values = _folded(base)
    added = {name: getattr(over, name) for name in _APPENDED if name in over.model_fields_set}
    plain = over.model_fields_set & Settings.model_fields.keys() - _APPENDED.keys()
    changes = {name: getattr(over, name) for name in plain if getattr(over, name) != ""}
    if isinstance(runtime := changes.get("runtime"), Runtime):
        changes["runtime"] = _runtime(values.get("runtime"), runtime)
    values |= changes
    for name, more in added.items():
        values[_APPENDED[name]] = _appended(values.get(_APPENDED[name], ()), more)
    return _settings(values)


def _runtime(base: Runtime | None, over: Runtime) -> Runtime:
    if base is None:
        return over
    changes = _written(over)
    if base.bind_ns is not None and over.bind_ns is not None:
        both = _written(base.bind_ns) | _written(over.bind_ns)
        changes["bind_ns"] = BoundNamespaces.model_construct(_fields_set=set(both), **both)
    values = _written(base) | changes
    return Runtime.model_construct(_fields_set=set(values), **values)


def _written(model: StrictModel) -> dict[str, Any]:
    return {name: getattr(model, name) for name in model.model_fields_set}


def _folded(settings: Settings) -> dict[str, Any]:
    names = settings.model_fields_set & Settings.model_fields.keys() - _APPENDED.keys()
    values = {name: getattr(settings, name) for name in names if getattr(settings, name) != ""}
    for name, target in _APPENDED.items():
        if name in settings.model_fields_set:
            values[target] = _appended(values.get(target, ()), getattr(settings, name))
    return values


def _appended(values: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    joined = tuple(dict.fromkeys((*values, *more)))
    if "all" in joined:
        return ("all",)
    return tuple(value for value in joined if value != "none") or joined


def _settings(values: dict[str, Any]) -> Settings:
    return Settings.model_construct(_fields_set=set(values), **values)
