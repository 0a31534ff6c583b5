# NSS softoken: the key store of Firefox and Thunderbird, a library and a database. The library has no way
# to learn where the database is except from its caller.

module_start() {
    mkdir "$directory/database"
    logged certutil -N -d "sql:$directory/database" -f "$directory/pin"
    module_library libsoftokn3.so
    setting TOKENCERT_MODULE_ARGUMENTS "configdir='sql:$directory/database'"
    # It has two tokens; the other one only computes.
    setting TOKENCERT_TOKEN "NSS Certificate DB"
}

# pkcs11-tool hands a module nothing when it starts.
token_answers() {
    local list
    # It fails since there is no key.
    list=$(bounded certutil -K -d "sql:$directory/database" -f "$directory/pin" 2>&1) || true
    grep -q "no keys found" <<<"$list"
}
