"""Settings laid over settings: an image's label, then service.yml, then the item of system.yml."""

from typing import Any

from edge.system.settings import Settings

_APPENDED = {"capabilities_add": "capabilities", "binds_add": "binds"}


def settings_of(written: Settings) -> Settings:
    """Return only the settings of an item or a service file, as written."""
    names = written.model_fields_set & Settings.model_fields.keys()
    return _settings({name: getattr(written, name) for name in names})


def merge_settings(base: Settings, over: Settings) -> Settings:
    """Return `base` with each field that `over` writes; the `.add` keys of both are appended.

    The result has no `.add` left, and its `model_fields_set` is what either of them wrote.
    """
    values = _folded(base)
    added = {name: getattr(over, name) for name in _APPENDED if name in over.model_fields_set}
    plain = over.model_fields_set & Settings.model_fields.keys() - _APPENDED.keys()
    values |= {name: getattr(over, name) for name in plain}
    for name, more in added.items():
        values[_APPENDED[name]] = _appended(values.get(_APPENDED[name], ()), more)
    return _settings(values)


def _folded(settings: Settings) -> dict[str, Any]:
    names = settings.model_fields_set & Settings.model_fields.keys() - _APPENDED.keys()
    values = {name: getattr(settings, name) for name in names}
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
