"""What the API says of the SBOM of a release."""

from pydantic import Field

from edge.console.api.views import MOST, ProductQuery, View
from edge.sbom.difference import Kind

_PLACES = "Services that hold it, in order; an empty one, first, is the system itself"


class SbomQuery(ProductQuery):
    """Which packages of a release."""

    match: str = Field("", max_length=200, description="Words of its name, version, licence, place")
    service: str = Field("", max_length=1000, description="That holds it")
    after: int = Field(0, ge=0, description="`next` of the page before")
    limit: int = Field(100, ge=1, le=MOST)


class DifferenceQuery(ProductQuery):
    """From which release."""

    before: str = Field(alias="from", min_length=1, max_length=200, description="Its version")
    after: int = Field(0, ge=0, description="`next` of the page before")
    limit: int = Field(MOST, ge=1, le=MOST)


class SbomServiceView(View):
    """A container of the image."""

    name: str
    version: str
    sha256: str = Field(description="Of the manifest of its OCI image; empty if it is not told")
    packages: int = Field(description="How many it holds")


class SbomPackageView(View):
    """A package in one version."""

    name: str
    version: str
    architecture: str
    licence: str = Field(description="SPDX expression; empty if nobody asserts one")
    supplier: str
    purl: str
    sha256: str
    places: list[str] = Field(description=_PLACES)


class SbomView(View):
    """What a release is made of, as its signed SBOM tells."""

    path: str
    sha256: str = Field(description="Of the document")
    length_bytes: int
    name: str
    created: str
    system: str
    services: list[SbomServiceView]
    packages: list[SbomPackageView]
    total: int = Field(description="How many packages are meant, on all pages")
    next: str


class ServiceChangeView(View):
    """A service that is not as before; one that changed without a package has own files anew."""

    kind: Kind
    name: str
    before: str
    after: str
    packages: int = Field(description="How many of its packages differ")


class PackageChangeView(View):
    """A package that is not as before."""

    kind: Kind
    name: str
    architecture: str
    before: list[str] = Field(description="Its versions; empty if it was not there")
    after: list[str] = Field(description="Its versions; empty if it is gone")
    licence_before: str
    licence: str
    places: list[str] = Field(description=_PLACES)
    joined: list[str] = Field(description="Places that did not have it before")
    left: list[str] = Field(description="Places that have it no longer")


class SbomDifferenceView(View):
    """What differs between two releases, as their signed SBOMs tell."""

    before: str
    version: str
    services: list[ServiceChangeView]
    packages: list[PackageChangeView]
    counts: dict[Kind, int] = Field(description="How many packages differ in which way")
    next: str
