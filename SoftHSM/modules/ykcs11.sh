# Yubico's own module, on a simulated PIV card. It makes keys for whoever manages the card: log in as SO.

. "$here/piv.sh"

module_start() { start_card libykcs11.so.2; }
