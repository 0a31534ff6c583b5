# p11-kit's server before another module, and its client as the module: what a program in a container, or on
# another machine over ssh, sees of a token. Programs need no more than the server's socket.

module_start() {
    local behind=$directory/behind socket=$directory/pkcs11.socket served=pkcs11:
    if [ -n "${BEHIND:-}" ]; then
        [ -f "$BEHIND/settings" ] || fail "there is no started module in $BEHIND"
        behind=$(cd "$BEHIND" && pwd -P)
    else
        # It has no processes, so its end is that of the folder.
        "$here/module" start softhsm2 "$behind" >/dev/null 2>>"$directory/log"
    fi
    secrets "$(cat "$behind/pin")" "$(cat "$behind/so-pin")"
    local label
    label=$(. "$behind/settings" && echo "${TOKENCERT_TOKEN:-}")
    if [ -n "$label" ]; then
        served=pkcs11:token=$label
        setting TOKENCERT_TOKEN "$label"
    fi
    # The settings of the module behind are for the server alone, and so is its wrapper.
    start_process bash -c '
        . "$1/settings"
        exec $MODULE_WRAP p11-kit server --foreground --name "$2" --provider "$TOKENCERT_MODULE" "$3"
        ' _ "$behind" "$socket" "$served"
    wait_until 20 "p11-kit server" test -S "$socket"
    setting P11_KIT_SERVER_ADDRESS "unix:path=$socket"
    module_library pkcs11/p11-kit-client.so
}
