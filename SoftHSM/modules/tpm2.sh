# tpm2-pkcs11 with a software TPM, through a resource manager on its own bus: without it, a TPM holds three
# keys at a time and serves one program at a time.

module_start() {
    mkdir "$directory/tpm" "$directory/store"
    start_tpm
    start_bus
    start_resource_manager
    setting TPM2_PKCS11_STORE "$directory/store"
    setting TPM2_PKCS11_TCTI tabrmd:bus_type=session
    # The warnings of the module would hide the errors of programs that use it.
    setting TPM2_PKCS11_LOG_LEVEL 0
    module_library pkcs11/libtpm2_pkcs11.so
    setting TOKENCERT_TOKEN tokencert-tpm2
    make_token
}

# Clients expect the name of the control socket to end in .ctrl. The TPM has a separate log, since it logs
# every command.
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
    # For tpm2-tools, which can inspect the TPM.
    setting TPM2TOOLS_TCTI tabrmd:bus_type=session
    start_process tpm2-abrmd --session --allow-root --tcti="swtpm:path=$directory/tpm.socket" \
        --max-transients=100 --flush-all
    wait_until 20 tpm2-abrmd logged tpm2_getrandom --hex 4
}
