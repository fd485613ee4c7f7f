# Choose a slot, count its try, start it. Keeps the boot state itself, in two copies.
#
# State: two copies of 4 KiB in the raw partition `bootstate`, at its start and 1 MiB behind, each
# in U-Boot's environment format: crc32 | name=value\0 ... \0\0. The newer valid copy counts, the
# older one is written. docs/formats.md describes it. Lines that start with # are left out of the image.
#
# The first slot of BOOT_ORDER with tries left is started, and every start costs one. With none
# left all slots of BOOT_ORDER get three again, and both if it names none: a board never gives up.
test -n "${devtype}" || setenv devtype @devtype@
test -n "${devnum}" || setenv devnum @devnum@
setenv kernel_addr_r @kernel_addr@
setenv ramdisk_addr_r @ramdisk_addr@
setenv state_mem ${ramdisk_addr_r}
setenv state_vars "BOOT_SEQ BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT"
${devtype} dev ${devnum}
part start ${devtype} ${devnum} bootstate at_1
setexpr at_2 ${at_1} + 800
setenv seq_1 0
setenv seq_2 0
# The import takes four named variables and no others: nothing on the disk can set a command.
if ${devtype} read ${state_mem} ${at_1} 8; then if env import -c ${state_mem} 0x1000 ${state_vars}; then setenv seq_1 ${BOOT_SEQ}; fi; fi
if ${devtype} read ${state_mem} ${at_2} 8; then if env import -c ${state_mem} 0x1000 ${state_vars}; then setenv seq_2 ${BOOT_SEQ}; fi; fi
# Of two copies with one number the first counts, as it does for the agent; 0 is no copy at all.
setenv newest ${at_1}
setenv oldest ${at_2}
setenv seq ${seq_1}
if itest 0x0${seq_1} -lt 0x0${seq_2}; then setenv newest ${at_2}; setenv oldest ${at_1}; setenv seq ${seq_2}; fi
if itest 0x0${seq} -ne 0; then
  ${devtype} read ${state_mem} ${newest} 8
  env import -c ${state_mem} 0x1000 ${state_vars}
else
  echo edge: no valid boot state, taking a then b
  setenv BOOT_ORDER "a b"
  setenv BOOT_A_LEFT 3
  setenv BOOT_B_LEFT 3
  setenv seq 0
  setenv oldest ${at_1}
fi
setenv slot
for candidate in ${BOOT_ORDER}; do
  if test "x${slot}" = "x"; then
    if test "${candidate}" = "a" && itest 0x0${BOOT_A_LEFT} -gt 0; then setenv slot a; setexpr BOOT_A_LEFT ${BOOT_A_LEFT} - 1; fi
    if test "${candidate}" = "b" && itest 0x0${BOOT_B_LEFT} -gt 0; then setenv slot b; setexpr BOOT_B_LEFT ${BOOT_B_LEFT} - 1; fi
  fi
done
if test "x${slot}" = "x"; then
  echo edge: no tries left, giving three again
  setenv named
  for candidate in ${BOOT_ORDER}; do
    if test "${candidate}" = "a"; then setenv BOOT_A_LEFT 3; setenv named yes; fi
    if test "${candidate}" = "b"; then setenv BOOT_B_LEFT 3; setenv named yes; fi
  done
  if test "x${named}" = "x"; then
    echo edge: the order names no slot, taking a then b
    setenv BOOT_ORDER "a b"
    setenv BOOT_A_LEFT 3
    setenv BOOT_B_LEFT 3
  fi
fi
setexpr BOOT_SEQ ${seq} + 1
env export -c -s 0x1000 ${state_mem} ${state_vars}
${devtype} write ${state_mem} ${oldest} 8
if test "x${slot}" = "x"; then reset; fi
echo edge: slot ${slot}, order ${BOOT_ORDER}, tries left a=${BOOT_A_LEFT} b=${BOOT_B_LEFT}
part number ${devtype} ${devnum} boot-${slot} boot_part
setenv edge_cmdline
if load ${devtype} ${devnum}:${boot_part} ${state_mem} slot.env 0x1000; then env import -t ${state_mem} ${filesize} edge_cmdline; fi
setenv bootargs "${edge_cmdline} edge.slot=${slot}"
if load ${devtype} ${devnum}:${boot_part} ${kernel_addr_r} Image; then
@load_tree@
  if load ${devtype} ${devnum}:${boot_part} ${ramdisk_addr_r} initrd.img; then
    booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} @tree@
  fi
fi
echo edge: slot ${slot} does not start
reset
