internal import TokencertIssuance
internal import TokencertPlatform

extension Failure {
    /// The failure if a PIN was not sent, since the token may refuse it or nothing can be recorded.
    init(refusedPINs error: RefusedPINsError) {
        switch error {
        case .refusedBefore(let pin):
            self.init(
                .noPermission, "\(error)",
                hints: Self.hints(
                    pin, "if it is correct by now: --retry-pin sends it again"))
        case .triedBefore(let pin):
            self.init(
                .noPermission, "\(error)",
                hints: Self.hints(
                    pin, "if you know that it is right: --retry-pin sends it"))
        case .unreadable(let path, _, let fileError):
            self.init(
                .configuration, code: "refusedPINsUnreadable", "\(error)",
                hints: (fileError.map(advice) ?? []) + [
                    "--pin-source prompt asks you for the PIN",
                    "to forget which PINs were refused: mv \(quoted(path)) \(quoted(path + ".old"))",
                ])
        case .notWritten(_, let fileError):
            self.init(
                .configuration, code: "refusedPINsNotWritten", "\(error)",
                hints: (fileError.map(advice) ?? []) + ["--pin-source prompt asks you for the PIN"])
        }
    }

    private static func hints(_ pin: RefusedPINsError.Refusal, _ retry: String) -> [String] {
        (pin.canChange ? ["put the right one there"] : []) + [retry]
    }
}
