internal import Cryptoki
internal import Synchronization
internal import TokencertPlatform

/// Collects what modules write to standard error while they start. It is hidden, since the user did
/// not ask for each configured module; `--verbose` shows it.
final class ModuleNotices: ModuleStartObserver {
    /// The lines, by the names of the modules.
    private(set) var lines: [String: [String]] = [:]

    private static let isShown = Atomic<Bool>(false)

    /// Shows everything that modules write, each line after the name of the module.
    static func setShown(_ isShown: Bool) {
        Self.isShown.store(isShown, ordering: .relaxed)
    }

    func moduleWillStart(_ name: String) {
        // The user has asked for p11-kit's own debug output, which is shown immediately.
        guard environmentVariable("P11_KIT_DEBUG") == nil else { return }
        HeldStandardError.begin()
    }

    func moduleDidStart(_ name: String, _ error: CryptokiError?) {
        let text = String(decoding: HeldStandardError.end(), as: UTF8.self)
        let new = text.split(whereSeparator: \.isNewline).map { printable(trimmed($0)) }
            .filter { !$0.isEmpty }
        guard !new.isEmpty else { return }
        lines[name, default: []] += new
        guard Self.isShown.load(ordering: .relaxed) else { return }
        for line in new { printError("\(printable(name)): \(line)") }
    }
}
