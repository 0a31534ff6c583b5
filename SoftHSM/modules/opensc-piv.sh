# OpenSC's module, with the same simulated PIV card as ykcs11. It signs and reads, but does not generate keys.

. "$here/piv.sh"

module_start() { start_card pkcs11/opensc-pkcs11.so; }
