internal import Files
internal import Secrets

/// Card readers, the service that they are reached through, and SoftHSM2's own places.
struct MachineChecks {
    /// The files of all modules that should be there.
    let modulePaths: [String]
    /// The files of those that can be used.
    let loadedPaths: [String]

    func look(_ examination: inout Examination) {
        #if os(Linux)
            lookAtReaders(&examination)
        #endif
        if modulePaths.contains(where: { $0.contains("softhsm2") }) {
            lookAtSoftHSM(&examination)
        }
    }

    // MARK: Readers

    private func lookAtReaders(_ examination: inout Examination) {
        let area = "card readers"
        let isService = isThere("/run/pcscd/pcscd.comm")
        let readers = Self.usbReaders()
        let usesCards = modulePaths.contains { path in
            ["opensc", "ykcs11", "eToken", "pcsc"].contains { path.contains($0) }
        }
        guard readers > 0 || (usesCards && isService) else {
            examination.ok(area, "no card reader or USB token is plugged in")
            return
        }
        if !isService {
            examination.fail(
                area, "\(readers) are plugged in, and the service that reaches them is not there",
                ["apt install pcscd", "systemctl enable --now pcscd.socket"])
        } else if !isWritableFile("/run/pcscd/pcscd.comm") {
            examination.fail(
                area, "this user may not talk to pcscd",
                ["see who may: ls -l /run/pcscd/pcscd.comm"])
        } else if environmentVariable("SSH_CONNECTION") != nil, !isSuperuser {
            examination.warn(
                area, "over ssh polkit usually refuses the readers",
                [
                    "a rule in /etc/polkit-1/rules.d allows this user "
                        + "org.debian.pcsc-lite.access_pcsc and org.debian.pcsc-lite.access_card"
                ])
        } else {
            examination.ok(area, "\(readers) plugged in, and pcscd is there")
        }
        if Self.isRunning("scdaemon") {
            examination.warn(
                area, "GnuPG's scdaemon is running, and may keep a reader to itself",
                [
                    "gpgconf --kill scdaemon",
                    "for good: pcsc-shared and disable-ccid in ~/.gnupg/scdaemon.conf",
                ])
        }
    }

    /// How many USB interfaces are of the class of smartcard readers, 0Bh.
    private static func usbReaders() -> Int {
        let folder = "/sys/bus/usb/devices"
        return names(inFolder: folder).filter { name in
            text(ofFile: "\(folder)/\(name)/bInterfaceClass") == "0b"
        }.count
    }

    private static func isRunning(_ program: String) -> Bool {
        names(inFolder: "/proc").contains { name in
            name.allSatisfy(\.isNumber) && text(ofFile: "/proc/\(name)/comm") == program
        }
    }

    private static func text(ofFile path: String) -> String? {
        (try? readFile(path, limit: 4096)).map {
            String(decoding: $0.prefix { $0 != 10 }, as: UTF8.self)
        }
    }

    // MARK: SoftHSM2

    private func lookAtSoftHSM(_ examination: inout Examination) {
        let area = "SoftHSM2"
        let home = environmentVariable("HOME") ?? ""
        let own = home + "/.config/softhsm2/softhsm2.conf"
        let named = environmentVariable("SOFTHSM2_CONF")
        let path = named ?? (isThere(own) ? own : "/etc/softhsm/softhsm2.conf")
        let making = [
            "make one of your own: mkdir -p ~/.config/softhsm2 ~/.local/share/softhsm",
            "echo \"directories.tokendir = $HOME/.local/share/softhsm\" > "
                + "~/.config/softhsm2/softhsm2.conf",
        ]
        guard let bytes = try? readFile(path, limit: 1 << 16) else {
            // Where it was built to look elsewhere, and works, there is nothing to say.
            if named == nil, loadedPaths.contains(where: { $0.contains("softhsm2") }) { return }
            examination.fail(
                area, "its configuration \(path) cannot be read",
                named == nil ? making : ["SOFTHSM2_CONF names it; name another, or unset it"])
            return
        }
        // As SoftHSM2 reads it: what follows a # is none of it, and blanks count but at the ends.
        let folder =
            String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
            .map { line in
                line.prefix { $0 != "#" }.split(separator: "=", maxSplits: 1).map(trimmed)
            }
            .first { $0.count == 2 && $0[0] == "directories.tokendir" }
            .map { $0[1] } ?? "/var/lib/softhsm/tokens"
        guard isFolder(folder) else {
            examination.fail(
                area, "its folder of tokens \(folder) is not there, as \(path) says",
                ["mkdir -p \(quoted(folder))"])
            return
        }
        guard isWritableFolder(folder) else {
            examination.fail(
                area, "this user may not write to its folder of tokens \(folder)",
                (named == nil && !isThere(own) ? making : ["see who may: ls -ld \(quoted(folder))"])
                    + ["for a store of all users: adduser USER softhsm, and log in anew"])
            return
        }
        examination.ok(area, "\(path), tokens in \(folder)")
    }
}
