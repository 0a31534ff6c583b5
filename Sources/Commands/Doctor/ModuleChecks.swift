internal import Cryptoki
internal import TokencertPlatform

/// Checks the PKCS#11 modules that are named or configured.
struct ModuleChecks {
    let options: TokenOptions

    struct Found {
        /// The modules that load.
        var loaded: [Module] = []
        /// The files of all named or configured modules.
        var paths: [String] = []
    }

    private static let area = "modules"

    func look(_ doctorReport: inout DoctorReport) -> Found {
        var found = Found()
        if let debugging = environmentVariable("P11_KIT_DEBUG") {
            doctorReport.warn(
                Self.area, "P11_KIT_DEBUG=\(debugging) makes p11-kit log what it does",
                ["unset P11_KIT_DEBUG"])
        }
        do {
            switch try ModuleChoice(options) {
            case .file(let path, let arguments):
                look(atFile: path, arguments, &found, &doctorReport)
            case .named(let name):
                look(atNamed: name, &found, &doctorReport)
            case .configured:
                lookAtConfigured(&found, &doctorReport)
            }
        } catch {
            doctorReport.fail(Self.area, error)
        }
        for path in found.paths where path.contains("pkcs11-spy") {
            doctorReport.warn(
                Self.area, "\(path) logs every call, with PINs in plain text",
                ["use the module that PKCS11SPY names instead"])
        }
        return found
    }

    private func look(
        atNamed name: String, _ found: inout Found, _ doctorReport: inout DoctorReport
    ) {
        do {
            let module = try ModuleSet.module(named: name)
            found.paths.append(module.path)
            found.loaded.append(module)
            doctorReport.ok(Self.area, Self.description(module))
        } catch let error as CryptokiError {
            let file = P11KitConfiguration.moduleFiles().first { $0.name == name }
            let path = file?.module.map(P11KitConfiguration.absolutePath) ?? name
            found.paths.append(path)
            let (reason, advice) = Self.diagnosis(path, error)
            doctorReport.fail(
                Self.area, "\(name): \(reason)", advice + ["to use another module: --module"])
        } catch {
            doctorReport.fail(Self.area, error)
        }
    }

    private func look(
        atFile path: String, _ arguments: String?, _ found: inout Found,
        _ doctorReport: inout DoctorReport
    ) {
        found.paths.append(path)
        do throws(CryptokiError) {
            let module = try Module.load(path: path, arguments: arguments)
            found.loaded.append(module)
            doctorReport.ok(Self.area, Self.description(module))
        } catch {
            let (reason, advice) = Self.diagnosis(path, error)
            doctorReport.fail(
                Self.area, "\(path): \(reason)", advice + ["to use another module: --module"])
        }
    }

    private func lookAtConfigured(_ found: inout Found, _ doctorReport: inout DoctorReport) {
        let files = P11KitConfiguration.moduleFiles()
        tellIgnored(&doctorReport)
        let configured: ConfiguredModules
        let notices = ModuleNotices()
        do {
            configured = try ModuleSet.configured(
                matching: [try options.standingURI(nil)].compactMap { $0 }, observer: notices)
        } catch let error as CryptokiError {
            return doctorReport.fail(
                Self.area, "cannot read p11-kit's configuration: \(error.context)",
                ["check the files in " + P11KitConfiguration.folders.joined(separator: ", ")])
        } catch {
            return doctorReport.fail(Self.area, error)
        }
        for module in configured.modules {
            found.loaded.append(module)
            found.paths.append(module.path)
            doctorReport.ok(Self.area, Self.description(module))
            guard let name = module.name, let lines = notices.lines[name] else { continue }
            doctorReport.warn(
                Self.area, "\(name): it writes to standard error when it starts: \(lines[0])",
                [
                    Self.seeing(lines, of: name),
                    Self.disabling(name, files),
                ])
        }
        for failure in configured.failures where failure.name != "p11-kit" {
            let file = files.first { $0.name == failure.name }
            let path = file?.module.map(P11KitConfiguration.absolutePath) ?? failure.name
            found.paths.append(path)
            let (reason, advice) = Self.diagnosis(path, failure.error)
            let seeing = notices.lines[failure.name].map { [Self.seeing($0, of: failure.name)] }
            // The other modules can still be used.
            doctorReport.warn(
                Self.area, "\(failure.name): \(reason)",
                advice + (seeing ?? []) + [Self.disabling(failure.name, files)])
        }
        let known = Set(configured.modules.compactMap(\.name) + configured.failures.map(\.name))
        for file in files where !known.contains(file.name) && !file.isPassedOver {
            guard let module = file.module else { continue }
            let path = P11KitConfiguration.absolutePath(module)
            guard let reason = Self.flaw(ofFile: path) else { continue }
            doctorReport.warn(
                Self.area, "\(file.name): \(path) \(reason.text)",
                reason.advice + [Self.disabling(file.name, files)])
        }
        for file in files where file.logsCalls {
            doctorReport.warn(
                Self.area, "\(file.name): p11-kit logs every call, with PINs in plain text",
                ["remove log-calls from \(file.path)"])
        }
        if configured.modules.isEmpty {
            doctorReport.fail(
                Self.area, "p11-kit has no module with tokens configured",
                [
                    "install your token's module: softhsm2, opensc-pkcs11, ykcs11, or the vendor's",
                    "to use a module that is not configured: --module PATH",
                ])
        }
    }

    private func tellIgnored(_ doctorReport: inout DoctorReport) {
        let own = P11KitConfiguration.ownFolder
        guard isSuperuser, let names = try? names(inFolder: own), !names.isEmpty else { return }
        doctorReport.warn(
            Self.area, "p11-kit ignores \(own) for root",
            [
                "run tokencert as the user who owns the token",
                "or move the files to /etc/pkcs11/modules, or use --module PATH",
            ])
    }

    private static func description(_ module: Module) -> String {
        let name = module.name.map { "\($0): " } ?? ""
        return
            "\(name)\(module.info.libraryDescription) \(module.info.libraryVersion), \(module.path)"
    }

    private static func disabling(
        _ name: String, _ files: [P11KitConfiguration.ModuleFile]
    ) -> String {
        "to turn it off for tokencert: " + P11KitConfiguration.disabling(name, files)
    }

    private static func seeing(_ lines: [String], of name: String) -> String {
        let count = lines.count == 1 ? "the line" : "all \(lines.count) lines"
        return "to see \(count): tokencert tokens --module \(quoted(name))"
    }

    /// Why a module cannot be used, and what to do about it.
    private static func diagnosis(
        _ path: String, _ error: CryptokiError
    ) -> (reason: String, advice: [String]) {
        if let flaw = flaw(ofFile: path) { return ("the file \(flaw.text)", flaw.advice) }
        if let reason = error.returnValue {
            return (
                "the module does not start [\(reason)]",
                SoftHSMChecks.isSoftHSM(path)
                    ? SoftHSMChecks(isLoaded: false).advice
                    : ["check its documentation for what it needs: a service, a folder, a group"]
            )
        }
        if error.context.contains("cannot open shared object file") {
            return (
                "a library that the module needs is missing: \(error.context)",
                ["to see which one: ldd \(quoted(path))"]
            )
        }
        return (error.context, ["to see whether a library is missing: ldd \(quoted(path))"])
    }

    /// What is wrong with the file of a module, as the end of a sentence, or nil.
    private static func flaw(ofFile path: String) -> (text: String, advice: [String])? {
        guard path.contains("/") else { return nil }
        guard exists(path) else {
            return ("does not exist", ["install the package that contains it"])
        }
        guard let bytes = try? readHead(path, count: 64) else {
            return ("cannot be read", ["to see who may read it: ls -l \(quoted(path))"])
        }
        guard let machine = LibraryFile.machine(bytes) else {
            return ("is not a shared library", ["set --module to the path of a PKCS#11 module"])
        }
        guard machine == LibraryFile.machine else {
            return (
                "is built for another architecture (\(LibraryFile.name(machine)), this program for "
                    + "\(LibraryFile.name(LibraryFile.machine)))",
                ["install the package for \(LibraryFile.name(LibraryFile.machine))"]
            )
        }
        return nil
    }
}

/// The architecture of a shared library, from its ELF header.
private enum LibraryFile {
    /// The architecture of this program, as the value of `e_machine`.
    static var machine: Int {
        #if arch(x86_64)
            62
        #elseif arch(arm64)
            183
        #elseif arch(arm)
            40
        #elseif arch(i386)
            3
        #else
            0
        #endif
    }

    /// The `e_machine` of a file, or nil if it is not ELF; only Linux checks it.
    static func machine(_ bytes: [UInt8]) -> Int? {
        #if os(Linux)
            guard bytes.count > 20, Array(bytes[0..<4]) == [0x7F, 0x45, 0x4C, 0x46] else {
                return nil
            }
            let isLittle = bytes[5] == 1
            return isLittle
                ? Int(bytes[18]) | Int(bytes[19]) << 8 : Int(bytes[19]) | Int(bytes[18]) << 8
        #else
            return machine
        #endif
    }

    static func name(_ machine: Int) -> String {
        switch machine {
        case 3: "x86, 32 bits"
        case 40: "ARM, 32 bits"
        case 62: "x86-64"
        case 183: "ARM64"
        case 243: "RISC-V"
        default: "machine \(machine)"
        }
    }
}
