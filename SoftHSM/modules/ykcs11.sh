# Yubico's module, with a simulated PIV card. Log in as SO to generate keys.

. "$here/piv.sh"

module_start() { start_card libykcs11.so.2; }
