# Sourced by ykcs11.sh and opensc-piv.sh: a PC/SC daemon with one reader, and the simulated card in it.
# The namespaces keep both to themselves: the reader's driver listens on every address of the network,
# and the daemon would take hold of the readers and keys that are plugged in.

needs_root=yes
reader_port=35963
# Debian's own, which has python3-cryptography; it leaves no files beside the scripts.
python="/usr/bin/python3 -BE"

# usage: start_card LIBRARY
start_card() {
    mkdir "$directory/sockets" "$directory/readers" "$directory/drivers" "$directory/card"
    cp -L /usr/lib/pcsc/drivers/serial/libifdvpcd.so "$directory/drivers/"
    cat >"$directory/readers/vpcd" <<CONFIGURATION
FRIENDLYNAME "Yubico Virtual PCD"
DEVICENAME /dev/null:$(printf '0x%X' $reader_port)
LIBPATH /usr/lib/pcsc/drivers/libifdvpcd.so
CHANNELID $(printf '0x%X' $reader_port)
CONFIGURATION
    # Who manages the card has a key, not a PIN.
    secrets "$user_pin" "$management_key"
    start_inside --net
    setting PCSCLITE_CSOCK_NAME "$directory/sockets/pcscd.comm"
    module_library "$1"
}

module_inside() {
    # The only driver that there is: the one of the virtual reader.
    mount --bind "$directory/drivers" /usr/lib/pcsc/drivers
    mount -t tmpfs -o mode=0755 tmpfs /run
    mkdir /run/pcscd
    mount --bind "$directory/sockets" /run/pcscd
    $python "$here/loopback.py"
    start_process /usr/sbin/pcscd --foreground --config "$directory/readers"
    wait_until 10 pcscd test -S /run/pcscd/pcscd.comm
    : >"$directory/inside"
    exec $python "$here/card_reader.py" "$reader_port" "$directory/card/state.json"
}
