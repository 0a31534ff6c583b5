internal import TokencertPlatform

/// Checks card readers, the pcscd service and SoftHSM2's files.
struct MachineChecks {
    /// The files of all named or configured modules.
    let modulePaths: [String]
    /// The files of the modules that load.
    let loadedPaths: [String]

    func look(_ doctorReport: inout DoctorReport) {
        #if os(Linux)
            lookAtReaders(&doctorReport)
        #endif
        if modulePaths.contains(where: SoftHSMChecks.isSoftHSM) {
            SoftHSMChecks(isLoaded: loadedPaths.contains(where: SoftHSMChecks.isSoftHSM))
                .look(&doctorReport)
        }
    }

    // MARK: Readers

    private func lookAtReaders(_ doctorReport: inout DoctorReport) {
        let area = "card readers"
        let isService = exists("/run/pcscd/pcscd.comm")
        let readers = Self.usbReaders()
        let usesCards = modulePaths.contains { path in
            ["opensc", "ykcs11", "eToken", "pcsc"].contains { path.contains($0) }
        }
        guard readers > 0 || (usesCards && isService) else {
            return doctorReport.ok(area, "no card reader or USB token connected")
        }
        if !isService {
            doctorReport.fail(
                area, "connected readers: \(readers); the pcscd service is not available",
                ["apt install pcscd", "systemctl enable --now pcscd.socket"])
        } else if !isWritableFile("/run/pcscd/pcscd.comm") {
            doctorReport.fail(
                area, "this user may not connect to pcscd",
                ["to see who may: ls -l /run/pcscd/pcscd.comm"])
        } else if environmentVariable("SSH_CONNECTION") != nil, !isSuperuser {
            doctorReport.warn(
                area, "polkit usually denies access to card readers over SSH",
                [
                    "add a rule to /etc/polkit-1/rules.d that allows this user "
                        + "org.debian.pcsc-lite.access_pcsc and org.debian.pcsc-lite.access_card"
                ])
        } else {
            doctorReport.ok(area, "connected readers: \(readers); pcscd is available")
        }
        if Self.isRunning("scdaemon") {
            doctorReport.warn(
                area, "GnuPG's scdaemon is running, and may block a reader",
                [
                    "to stop it: gpgconf --kill scdaemon",
                    "to share readers permanently, set pcsc-shared and disable-ccid in "
                        + "~/.gnupg/scdaemon.conf",
                ])
        }
    }

    /// The number of USB interfaces of the smartcard class, 0Bh.
    private static func usbReaders() -> Int {
        let folder = "/sys/bus/usb/devices"
        return ((try? names(inFolder: folder)) ?? []).filter { name in
            text(ofFile: "\(folder)/\(name)/bInterfaceClass") == "0b"
        }.count
    }

    private static func isRunning(_ program: String) -> Bool {
        ((try? names(inFolder: "/proc")) ?? []).contains { name in
            name.allSatisfy(\.isNumber) && text(ofFile: "/proc/\(name)/comm") == program
        }
    }

    private static func text(ofFile path: String) -> String? {
        (try? readFile(path, limit: 4096)).map {
            String(decoding: $0.prefix { $0 != 10 }, as: UTF8.self)
        }
    }
}
