internal import ArgumentParser
internal import Cryptoki
internal import Inventory

struct TokensCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokens", abstract: "Show modules, slots and tokens.")

    @OptionGroup var tokenOptions: TokenOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        prepareProcess(output)
        let set = try ModuleSet(tokenOptions, nil)
        let choice = try tokenOptions.choice()
        let report = try TokensReport(set, isDetailed: output.isVerbose) { try choice.fits($0) }
        if output.isJSON {
            try printJSON(report)
        } else {
            for line in report.lines(output.style) { print(line) }
        }
    }
}

/// What `tokens` shows, in the form of its JSON.
private struct TokensReport: Encodable {
    struct ModuleReport: Encodable {
        let name: String?
        let path: String
        let description: String
        let manufacturer: String
        let version: String
        var slots: [SlotReport] = []
    }

    struct SlotReport: Encodable {
        let id: UInt
        let description: String
        var token: TokenReport?
    }

    struct FailureReport: Encodable {
        let name: String
        let reason: String
    }

    var modules: [ModuleReport] = []
    var failures: [FailureReport] = []

    init(_ set: ModuleSet, isDetailed: Bool, _ fits: (Token) throws -> Bool) throws {
        for module in set.modules {
            var report = ModuleReport(
                name: module.name, path: module.path, description: module.info.libraryDescription,
                manufacturer: module.info.manufacturer, version: module.info.libraryVersion)
            for slot in try module.slots(tokenPresent: false) {
                var line = SlotReport(id: slot.id, description: try slot.info().slotDescription)
                if try slot.info().isTokenPresent, let token = try? slot.token(), try fits(token) {
                    line.token = try TokenReport(token, isDetailed: isDetailed)
                }
                report.slots.append(line)
            }
            modules.append(report)
        }
        failures = set.failures.map { .init(name: $0.name, reason: $0.error.description) }
    }

    func lines(_ style: Style) -> [String] {
        var lines: [String] = []
        for module in modules {
            let version = module.version.isEmpty ? "" : " \(module.version)"
            lines.append(
                style.strong(printable(module.description) + version)
                    + style.faint("  \(module.path)"))
            var table = Table(["LABEL", "MANUFACTURER", "MODEL", "SERIAL", "STATE"])
            let tokens = module.slots.compactMap(\.token)
            for token in tokens {
                table.add(
                    [
                        token.label, token.manufacturer, token.model, token.serialNumber,
                        token.state.joined(separator: ", "),
                    ], below: [token.uri] + (token.mechanisms ?? []))
            }
            lines += tokens.isEmpty ? ["no token"] : table.lines(style)
            lines.append("")
        }
        for failure in failures {
            lines.append("module \(failure.name) is not usable: \(failure.reason)")
        }
        if modules.isEmpty, failures.isEmpty {
            lines.append("p11-kit is configured with no module that has tokens; see --module")
        }
        while lines.last == "" { lines.removeLast() }
        return lines
    }
}

/// What is shown of a token, in the form of its JSON.
struct TokenReport: Encodable {
    let label: String
    let manufacturer: String
    let model: String
    let serialNumber: String
    let uri: String
    let isInitialized: Bool
    let isPINSet: Bool
    let isPINCountLow: Bool
    let isPINFinalTry: Bool
    let isPINLocked: Bool
    let isPINToBeChanged: Bool
    let isWriteProtected: Bool
    let needsLogin: Bool
    let hasPINPad: Bool
    /// With `--verbose`: what the token can do.
    let mechanisms: [String]?

    init(_ token: Token, isDetailed: Bool = false) throws {
        let info = token.info
        label = info.label
        manufacturer = info.manufacturer
        model = info.model
        serialNumber = info.serialNumber
        uri = try PKCS11URI(token: token).description
        isInitialized = info.flags.contains(.tokenInitialized)
        isPINSet = info.flags.contains(.userPINInitialized)
        isPINCountLow = info.flags.contains(.userPINCountLow)
        isPINFinalTry = info.flags.contains(.userPINFinalTry)
        isPINLocked = info.flags.contains(.userPINLocked)
        isPINToBeChanged = info.flags.contains(.userPINToBeChanged)
        isWriteProtected = info.flags.contains(.writeProtected)
        needsLogin = info.flags.contains(.loginRequired)
        hasPINPad = info.flags.contains(.protectedAuthenticationPath)
        mechanisms = isDetailed ? try Self.mechanisms(token) : nil
    }

    private static func mechanisms(_ token: Token) throws -> [String] {
        try token.mechanisms().map { type in
            let sizes = try? token.mechanismInfo(type).keySizes
            return "\(type)" + (sizes.map { " \($0.lowerBound)-\($0.upperBound)" } ?? "")
        }
    }

    /// The flags in words.
    var state: [String] {
        guard isInitialized else { return ["not initialised"] }
        var state: [String] = []
        if needsLogin, !isPINSet { state.append("no PIN set") }
        if isPINLocked {
            state.append("PIN locked")
        } else if isPINFinalTry {
            state.append("last PIN try")
        } else if isPINCountLow {
            state.append("a PIN was wrong")
        }
        if isPINToBeChanged { state.append("PIN has to be changed") }
        if isWriteProtected { state.append("write-protected") }
        if hasPINPad { state.append("PIN pad") }
        return state.isEmpty ? ["ready"] : state
    }
}
