internal import TokencertIssuance
internal import TokencertPlatform

extension Failure {
    /// The failure if a PIN was not sent because the token may refuse it or a refusal cannot be
    /// recorded.
    init(refusedPINs error: RefusedPINsError) {
        switch error {
        case .refusedBefore(let pin):
            self.init(
                .noPermission, "\(error)",
                hints: Self.hints(
                    pin, "if it is correct now, send it again: --retry-pin"))
        case .triedBefore(let pin):
            self.init(
                .noPermission, "\(error)",
                hints: Self.hints(
                    pin, "if you are sure that it is correct, send it: --retry-pin"))
        case .unreadable(let path, _, let fileError):
            self.init(
                .configuration, code: "refusedPINsUnreadable", "\(error)",
                hints: (fileError.map(advice) ?? []) + ["to type the PIN: --pin-source prompt"]
                    + (Self.isDamaged(fileError)
                        ? [
                            "to forget which PINs were refused: mv \(quoted(path)) "
                                + quoted(path + ".old")
                        ] : []))
        case .notWritten(_, let fileError):
            self.init(
                .configuration, code: "refusedPINsNotWritten", "\(error)",
                hints: (fileError.map(advice) ?? []) + ["to type the PIN: --pin-source prompt"])
        }
    }

    /// Whether the record itself is wrong: its content or its kind. Another failure to read it, such as too
    /// many open files, says nothing about the record.
    private static func isDamaged(_ error: FileError?) -> Bool {
        error.map { [.isFolder, .circle, .notThere].contains($0.reason) } ?? true
    }

    private static func hints(_ pin: RefusedPINsError.Refusal, _ retry: String) -> [String] {
        (pin.canChange ? ["put the correct PIN there"] : []) + [retry]
    }
}
