internal import TokencertCAcert

extension Failure {
    /// Why the account at the CA's web site cannot be used.
    init(web error: WebAccountError) {
        let (status, code) = Self.kind(of: error.code)
        let hints: [String] =
            switch error.code {
            case .notLoggedIn: ["run the same command again: it logs in again"]
            case .noSuchCertificate: ["to see what the account has: tokencert certificates --all"]
            case .unreachable: ["to find the reason: tokencert doctor"]
            case .unknownPage:
                [
                    "log in with a browser instead; the site may have changed, or be under maintenance"
                ]
            case .loginRefused: ["to check the password with the CA's API: tokencert account"]
            case .memberRequired: []
            }
        self.init(status, code: code, error.reason, hints: error.advice + hints)
    }

    private static func kind(of code: WebAccountError.Code) -> (ExitStatus, String) {
        switch code {
        case .loginRefused: (.noPermission, "loginRefused")
        case .memberRequired: (.noPermission, "memberRequired")
        case .notLoggedIn: (.unreachable, "sessionEnded")
        case .noSuchCertificate: (.noSuchObject, "noSuchCertificate")
        case .unreachable: (.unreachable, "caUnreachable")
        case .unknownPage: (.unreachable, "unknownPage")
        }
    }
}
