# openCryptoki's software token. Its folders are compiled in, so it lives in a mount namespace where they
# are folders of $directory; programs that use it have to enter, which is what MODULE_WRAP is for.

needs_root=yes

module_start() {
    local state=$directory/opencryptoki
    mkdir -p "$state/etc" "$state/tokens/swtok/TOK_OBJ" "$state/lock/swtok"
    printf 'version opencryptoki-3.1\nslot 3\n{\nstdll = libpkcs11_sw.so\n}\n' >"$state/etc/opencryptoki.conf"
    # It insists on its group.
    chgrp -R pkcs11 "$state/tokens" "$state/lock"
    chmod -R u=rwX,g=rwX,o= "$state/tokens" "$state/lock"
    # Not the System V shared memory of a daemon of the system, either.
    start_inside --ipc
    # --wd=. keeps the folder that the program is called in.
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
    # Whoever enters needs a process whose namespaces these are, even if pkcsslotd has died.
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
