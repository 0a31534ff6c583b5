# SoftHSM2: a library and files, without processes.

module_start() {
    local line path
    mkdir "$directory/tokens"
    while IFS= read -r line; do
        printf '%s\n' "${line//@DIRECTORY@/"$directory"}"
    done <"$here/../softhsm2.conf.in" >"$directory/softhsm2.conf"
    setting SOFTHSM2_CONF "$directory/softhsm2.conf"
    path=$(softhsm_module)
    setting TOKENCERT_MODULE "$path"
    setting TOKENCERT_TOKEN tokencert-softhsm2
    make_token
}
