# OpenSC's module, on the same simulated PIV card as ykcs11. It signs and reads, and makes no keys.

. "$here/piv.sh"

module_start() { start_card pkcs11/opensc-pkcs11.so; }
