internal import Cryptoki
internal import Synchronization
internal import TokencertPlatform

/// Captures what modules write to standard error while they start. Only `--verbose` shows it, since
/// the user did not choose each configured module.
final class ModuleNotices: ModuleStartObserver {
    /// The captured lines, by module name.
    private(set) var lines: [String: [String]] = [:]
    /// The module whose output is not captured, since the user chose it; nil for none.
    private let chosen: String?

    init(except chosen: String? = nil) { self.chosen = chosen }

    private static let isShown = Atomic<Bool>(false)

    /// Sets whether the captured lines are printed, each after the name of its module.
    static func setShown(_ isShown: Bool) {
        Self.isShown.store(isShown, ordering: .relaxed)
    }

    /// Whether the captured lines are printed. A line can be attributed to a module only if the
    /// modules start one after the other.
    static var areShown: Bool { isShown.load(ordering: .relaxed) }

    func moduleWillStart(_ name: String) {
        // The user requested p11-kit's debug output, so nothing is captured.
        guard name != chosen, environmentVariable("P11_KIT_DEBUG") == nil else { return }
        HeldStandardError.begin()
    }

    func moduleDidStart(_ name: String, _ error: CryptokiError?) {
        guard name != chosen else { return }
        let text = String(decoding: HeldStandardError.end(), as: UTF8.self)
        let new = text.split(whereSeparator: \.isNewline).map { printable(trimmed($0)) }
            .filter { !$0.isEmpty }
        guard !new.isEmpty else { return }
        lines[name, default: []] += new
        guard Self.areShown else { return }
        for line in new { printError("\(printable(name)): \(line)") }
    }
}
