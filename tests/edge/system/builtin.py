"""The services that ship with Edge, for tests that take each of them."""

from edge.system.parts import Section
from edge.system.service import INIT, builtin_folders

BUILTIN = sorted(builtin_folders().keys() - {INIT})
# Where those go that do not run all the time.
SECTIONS = {
    "crypt": (Section.ONBOOT,),
    "firewall": (Section.ONBOOT,),
    "swap": (Section.ONBOOT,),
    "seed": (Section.ONBOOT, Section.ONSHUTDOWN),
}
# What nobody can guess, so that it has to be in `files:`, and for which service.
NEEDED_FILES = {"etc/edge/shadow": "getty", "etc/edge/syslog.conf": "syslog"}
