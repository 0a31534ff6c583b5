# NSS softoken: the key store of Firefox and Thunderbird, a library and a database. The caller of the library
# must pass the path of the database.

module_start() {
    mkdir "$directory/database"
    logged certutil -N -d "sql:$directory/database" -f "$directory/pin"
    module_library libsoftokn3.so
    setting TOKENCERT_MODULE_ARGUMENTS "configdir='sql:$directory/database'"
    # The module has two tokens; the other one only performs cryptographic operations.
    setting TOKENCERT_TOKEN "NSS Certificate DB"
}

# pkcs11-tool cannot pass arguments to a module.
token_answers() {
    local list
    # certutil fails because there is no key.
    list=$(bounded certutil -K -d "sql:$directory/database" -f "$directory/pin" 2>&1) || true
    grep -q "no keys found" <<<"$list"
}
