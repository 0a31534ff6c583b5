internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertCommandCA
internal import TokencertHTTP
internal import TokencertPlatform
internal import TokencertTokens

struct TrustChecks {
    let ca: CAOptions

    func look(_ doctorReport: inout DoctorReport) -> TrustAnchors? {
        let area = "trust anchors"
        let file = setting(ca.caFile, .caFile)
        let found = doctorReport.result(area) { try trustStore.anchors(file: file) }
        guard let anchors = found else { return nil }
        for certificate in anchors.certificates {
            let name = certificate.subject.commonNames.last ?? certificate.subject.text
            let isPinned =
                hexadecimal(certificate.sha256Fingerprint) == PinnedRoot.sha256Fingerprint
            if certificate.notAfter < now() {
                doctorReport.warn(
                    area, "\(name) expired on \(timestamp(certificate.notAfter).prefix(10))",
                    [
                        file.map { "put the current certificates of the CA into \($0)" }
                            ?? "to get CAcert's current ones: tokencert trust fetch"
                    ])
            } else {
                doctorReport.ok(area, isPinned ? "\(name), with the expected fingerprint" : name)
            }
        }
        return anchors
    }
}

/// Checks that the CA can be reached and is trusted, and compares its clock with this machine's.
struct CAChecks {
    let ca: CAOptions
    let anchors: TrustAnchors?

    func look(_ doctorReport: inout DoctorReport) {
        let area = "CA"
        do {
            if let command = try ca.command() {
                let program = CommandCA.program(of: command)
                if let problem = ProgramProblem(of: program) {
                    doctorReport.fail(
                        area, "the program of the CA command \(problem.text): \(program)",
                        [
                            problem.advice,
                            "or check --ca-command, TOKENCERT_CA_COMMAND or ca-command",
                        ])
                } else {
                    doctorReport.ok(area, "the program of the CA command is found: \(program)")
                }
                return
            }
            let base = try ca.baseURL()
            if setting(ca.username, .username) == nil {
                doctorReport.warn(
                    area, "no account is specified",
                    ["set --username, TOKENCERT_USERNAME, or username in the configuration"])
            }
            guard let anchors else {
                return doctorReport.warn(
                    area, "\(base) was not checked: there are no trust anchors",
                    ["to get CAcert's trust anchors: tokencert trust fetch"])
            }
            var client = try HTTPClient(
                anchorsPEM: anchors.pem, userAgent: userAgent,
                limits: HTTPLimits(
                    connectTimeout: 10, timeout: min(30, try ca.seconds()),
                    maximumAnswer: 1 << 20))
            let answer = try client.get(base + PinnedRoot.path)
            guard answer.status < 500 else {
                return doctorReport.fail(
                    area, "\(base) reports an internal error: HTTP \(answer.status)",
                    ["try again later"])
            }
            doctorReport.ok(area, "\(base) can be reached, and its certificate is trusted")
            lookAtClock(answer.date, &doctorReport)
        } catch let error as HTTPError {
            tell(error, &doctorReport)
        } catch {
            doctorReport.fail(area, error)
        }
    }

    private func tell(_ error: HTTPError, _ doctorReport: inout DoctorReport) {
        switch error.code {
        case .untrustedServer, .tlsFailed:
            doctorReport.fail(
                "CA", "the server cannot be trusted: \(error.reason)",
                [
                    "check this machine's clock: date; to correct it: timedatectl set-ntp true",
                    "check whether the network redirects to a login page",
                    "to see the trust anchors: tokencert trust list; to use others: --ca-file",
                ])
        default:
            doctorReport.fail(
                "CA", "the CA cannot be reached: \(error.reason)",
                ["check the network and --ca-url; to skip this check: --offline"])
        }
    }

    private func lookAtClock(_ date: Int64?, _ doctorReport: inout DoctorReport) {
        guard let date else { return }
        let difference = now() - date
        guard abs(difference) > clockTolerance else {
            return doctorReport.ok("clock", "the clock agrees with the CA's")
        }
        doctorReport.fail(
            "clock",
            "the clock is \(abs(difference)) seconds "
                + "\(difference > 0 ? "ahead of" : "behind") the CA's, so certificates may seem "
                + "\(difference > 0 ? "expired" : "not valid yet")",
            ["to correct it: timedatectl set-ntp true"])
    }
}
