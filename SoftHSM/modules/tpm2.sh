# tpm2-pkcs11 on a TPM in software. Between them stands the resource manager, on a bus of its own:
# a TPM alone holds three keys at a time and serves one program at a time.

module_start() {
    mkdir "$directory/tpm" "$directory/store"
    start_tpm
    start_bus
    start_resource_manager
    setting TPM2_PKCS11_STORE "$directory/store"
    setting TPM2_PKCS11_TCTI tabrmd:bus_type=session
    # Its warnings about everything that it tries would hide the errors of programs that use it.
    setting TPM2_PKCS11_LOG_LEVEL 0
    module_library pkcs11/libtpm2_pkcs11.so
    setting TOKENCERT_TOKEN tokencert-tpm2
    make_token
}

# Whoever connects expects the second socket to be named like the first, with .ctrl. The log is not that of
# the others, since it has a line for every command.
start_tpm() {
    start_process swtpm socket --tpm2 --tpmstate "dir=$directory/tpm" \
        --server "type=unixio,path=$directory/tpm.socket" \
        --ctrl "type=unixio,path=$directory/tpm.socket.ctrl" \
        --flags not-need-init,startup-clear --log "file=$directory/swtpm.log,level=1"
    wait_until 10 swtpm test -S "$directory/tpm.socket.ctrl"
}

start_bus() {
    cat >"$directory/bus.conf" <<XML
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <keep_umask/>
  <listen>unix:path=$directory/bus.socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
XML
    start_process dbus-daemon --config-file="$directory/bus.conf" --nofork --nopidfile
    wait_until 10 dbus-daemon test -S "$directory/bus.socket"
    setting DBUS_SESSION_BUS_ADDRESS "unix:path=$directory/bus.socket"
}

start_resource_manager() {
    # For the tools of tpm2-tools, which are good for looking into a TPM.
    setting TPM2TOOLS_TCTI tabrmd:bus_type=session
    start_process tpm2-abrmd --session --allow-root --tcti="swtpm:path=$directory/tpm.socket" \
        --max-transients=100 --flush-all
    wait_until 20 tpm2-abrmd logged tpm2_getrandom --hex 4
}
