# openCryptoki's software token. Its folders are compiled in, so it runs in a mount namespace that maps them to
# folders in $directory. Programs that use the module enter the namespace with MODULE_WRAP.

needs_root=yes

module_start() {
    local state=$directory/opencryptoki
    mkdir -p "$state/etc" "$state/tokens/swtok/TOK_OBJ" "$state/lock/swtok"
    printf 'version opencryptoki-3.1\nslot 3\n{\nstdll = libpkcs11_sw.so\n}\n' >"$state/etc/opencryptoki.conf"
    # openCryptoki requires this group.
    chgrp -R pkcs11 "$state/tokens" "$state/lock"
    chmod -R u=rwX,g=rwX,o= "$state/tokens" "$state/lock"
    # Do not share System V memory with a daemon of the system.
    start_inside --ipc
    # --wd=. keeps the current folder.
    setting MODULE_WRAP "nsenter --target $last_process --mount --ipc --wd=. --"
    module_library pkcs11/libopencryptoki.so
    setting TOKENCERT_TOKEN tokencert-opencryptoki
    make_first_token
}

module_inside() {
    local state=$directory/opencryptoki
    mount --bind "$state/etc" /etc/opencryptoki
    mount --bind "$state/tokens" /var/lib/opencryptoki
    mount -t tmpfs -o mode=1777 tmpfs /dev/shm
    mount -t tmpfs -o mode=0755 tmpfs /run
    mkdir -p /run/lock/opencryptoki
    mount --bind "$state/lock" /run/lock/opencryptoki
    start_process /usr/sbin/pkcsslotd -f
    wait_until 10 pkcsslotd test -S /run/pkcsslotd.socket
    : >"$directory/inside"
    # nsenter needs a process in these namespaces, even if pkcsslotd has ended.
    exec sleep infinity
}

# A new token has a known SO PIN, and both PINs must be changed before it can be used.
make_first_token() {
    local token=(--token-label "$TOKENCERT_TOKEN")
    local first_so_pin=87654321 first_pin=87654321
    token_tool --init-token --slot-index 0 --label "$TOKENCERT_TOKEN" --so-pin "$first_so_pin"
    token_tool "${token[@]}" --login --login-type so --so-pin "$first_so_pin" \
        --change-pin --new-pin "$so_pin"
    token_tool "${token[@]}" --login --login-type so --so-pin "$so_pin" \
        --init-pin --new-pin "$first_pin"
    token_tool "${token[@]}" --change-pin --pin "$first_pin" --new-pin "$user_pin"
}
