# Sourced by ykcs11.sh and opensc-piv.sh: a PC/SC daemon with one reader and the simulated card.
# The namespaces isolate both: the reader's driver listens on every network address, and the daemon would
# use the readers and keys that are plugged in.

needs_root=yes
reader_port=35963
# Debian's Python has python3-cryptography; -B prevents files next to the scripts.
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
    # The management key takes the place of the SO PIN.
    secrets "$user_pin" "$management_key"
    start_inside --net
    setting PCSCLITE_CSOCK_NAME "$directory/sockets/pcscd.comm"
    module_library "$1"
}

module_inside() {
    # Only the driver of the virtual reader is available.
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
