# p11-kit's server in front of another module, with p11-kit's client as the module: a token for programs in a
# container, or on another machine over ssh. Programs need only the server's socket.

module_start() {
    local behind=$directory/behind socket=$directory/pkcs11.socket served=pkcs11:
    if [ -n "${BEHIND:-}" ]; then
        [ -f "$BEHIND/settings" ] || fail "$BEHIND does not contain a started module"
        behind=$(cd "$BEHIND" && pwd -P)
    else
        # SoftHSM2 has no processes, so removing the folder is enough to stop it.
        "$here/module" start softhsm2 "$behind" >/dev/null 2>>"$directory/log"
    fi
    secrets "$(cat "$behind/pin")" "$(cat "$behind/so-pin")"
    local label
    label=$(. "$behind/settings" && echo "${TOKENCERT_TOKEN:-}")
    if [ -n "$label" ]; then
        served=pkcs11:token=$label
        setting TOKENCERT_TOKEN "$label"
    fi
    # The settings and the wrapper of the module behind are only for the server.
    start_process bash -c '
        . "$1/settings"
        exec $MODULE_WRAP p11-kit server --foreground --name "$2" --provider "$TOKENCERT_MODULE" "$3"
        ' _ "$behind" "$socket" "$served"
    wait_until 20 "p11-kit server" test -S "$socket"
    setting P11_KIT_SERVER_ADDRESS "unix:path=$socket"
    module_library pkcs11/p11-kit-client.so
}
