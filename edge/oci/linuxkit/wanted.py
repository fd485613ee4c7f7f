"""From a loaded system and its images to what LinuxKit's root is made of."""

from collections.abc import Sequence

from edge.oci.assemble import container
from edge.oci.image import Image
from edge.oci.kernel_image import kernel_image
from edge.oci.linuxkit.assemble import Wanted
from edge.oci.store import Store
from edge.oci.volumes import filled
from edge.system.load import LoadedSystem
from edge.system.parts import CONTAINERS, Part, Section


def wanted(system: LoadedSystem, images: Sequence[tuple[Part, Image]], store: Store) -> Wanted:
    """Return what a root is made of.

    Args:
        system: What was read.
        images: Each of its parts with its image.
        store: Where the images are.

    Raises:
        InputError: An image is not what its part needs.
    """
    spec = system.system
    volumes = {volume.name: volume for volume in spec.volumes}
    found = [
        (kernel_image(spec.kernel, image, store), spec.kernel.cmdline or "")
        for part, image in images
        if part.section is Section.KERNEL
    ]
    return Wanted(
        containers=[
            container(part, image, volumes) for part, image in images if part.section in CONTAINERS
        ],
        init=[image for part, image in images if part.section is Section.INIT],
        volumes=[
            filled(volume, [image for part, image in images if part.fills(volume)], store)
            for volume in spec.volumes
        ],
        files=spec.files,
        kernel=found[0] if found else None,
    )
