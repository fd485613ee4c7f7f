"""Documents of others: whatever they say, what comes is an answer or an error of ours."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edge.errors import EdgeError
from edge.oci.document import (
    DOCUMENT_TYPES,
    Descriptor,
    Index,
    Manifest,
    choose,
    diff_ids,
    parse_config,
    parse_document,
)
from edge.oci.image import image_config, label_settings
from edge.oci.limits import STANDARD
from tests.fakes.image_parts import CONFIG, digest_of

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(), one, max_size=3)
)
DIGEST = digest_of(b"")
DESCRIPTORS = st.fixed_dictionaries(
    {},
    optional={
        "mediaType": st.sampled_from(DOCUMENT_TYPES) | JSON,
        "digest": st.just(DIGEST) | JSON,
        "size": st.integers(-1, 5) | JSON,
        "platform": st.fixed_dictionaries({"architecture": st.just("arm64") | JSON}) | JSON,
        "annotations": JSON,
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "mediaType": st.sampled_from(DOCUMENT_TYPES) | JSON,
        "manifests": st.lists(DESCRIPTORS, max_size=3) | JSON,
        "layers": st.lists(DESCRIPTORS, max_size=3) | JSON,
        "config": DESCRIPTORS | JSON,
    },
)
MANIFEST = Manifest(Descriptor(CONFIG, DIGEST, 0), (Descriptor("", DIGEST, 0),))


@given(DOCUMENTS | JSON, st.none() | st.sampled_from(DOCUMENT_TYPES))
def test_a_document_is_an_index_a_manifest_or_an_error(found: Any, media_type: str | None) -> None:
    try:
        parsed = parse_document(json.dumps(found).encode(), "x", STANDARD, media_type=media_type)
        chosen = choose(parsed, "arm64", "x") if isinstance(parsed, Index) else parsed.config
    except EdgeError:
        return

    assert chosen.digest == DIGEST
    assert chosen.size_bytes >= 0


@given(st.binary())
def test_bytes_that_are_no_document_are_an_error(data: bytes) -> None:
    try:
        parse_document(data, "x", STANDARD)
    except EdgeError:
        return
    raise AssertionError(data)


CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "architecture": st.just("arm64") | JSON,
        "os": st.just("linux") | JSON,
        "rootfs": st.fixed_dictionaries({"diff_ids": st.just([DIGEST]) | JSON}) | JSON,
        "config": st.fixed_dictionaries(
            {}, optional={key: st.lists(st.text()) | JSON for key in ("Cmd", "Env", "Labels")}
        )
        | JSON,
    },
)


@given(CONFIGS | JSON)
def test_a_configuration_has_a_hash_for_each_layer_or_is_an_error(found: Any) -> None:
    try:
        config = parse_config(json.dumps(found).encode(), MANIFEST, "x", "arm64")
    except EdgeError:
        return

    assert diff_ids(config) == (DIGEST,)
    assert all(isinstance(word, str) for word in image_config(config).command)
    with suppress(EdgeError):
        label_settings(config, "x")
