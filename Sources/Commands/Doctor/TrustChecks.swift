internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertHTTP

/// Whether there are trust anchors, and which.
struct TrustChecks {
    let ca: CAOptions

    func look(_ doctorReport: inout DoctorReport) -> TrustAnchors? {
        let area = "trust anchors"
        let anchors: TrustAnchors
        do {
            anchors = try trustStore.anchors(file: setting(ca.caFile, .caFile))
        } catch {
            let failure = Failure(error)
            doctorReport.fail(area, failure.message, failure.hints)
            return nil
        }
        for certificate in anchors.certificates {
            let name = certificate.subject.commonNames.last ?? certificate.subject.text
            let isPinned =
                hexadecimal(certificate.sha256Fingerprint) == PinnedRoot.sha256Fingerprint
            if certificate.notAfter < now() {
                doctorReport.warn(
                    area, "\(name) has expired on \(timestamp(certificate.notAfter).prefix(10))",
                    ["tokencert trust fetch gets CAcert's as they are now"])
            } else {
                doctorReport.ok(
                    area, isPinned ? "\(name), with the fingerprint that is known" : name)
            }
        }
        return anchors
    }
}

/// Whether the CA can be reached and is the CA, and whether the clocks agree.
struct CAChecks {
    let ca: CAOptions
    let anchors: TrustAnchors?

    func look(_ doctorReport: inout DoctorReport) {
        let area = "CA"
        let base: String
        do {
            base = try ca.baseURL()
            if setting(ca.username, .username) == nil {
                doctorReport.warn(
                    area, "no account is specified",
                    ["--username ADDRESS, TOKENCERT_USERNAME, or username in the configuration"])
            }
            guard let anchors else {
                doctorReport.warn(
                    area, "\(base) was not asked: its answers could not be trusted",
                    ["tokencert trust fetch first"])
                return
            }
            var client = try HTTPClient(
                policy: TLSPolicy(anchorsPEM: anchors.pem), userAgent: userAgent,
                limits: HTTPLimits(
                    connectTimeout: 10, timeout: min(30, try ca.seconds()),
                    maximumAnswer: 1 << 20))
            let answer = try client.get(base + PinnedRoot.path)
            guard answer.status < 500 else {
                doctorReport.fail(
                    area, "\(base) has trouble of its own: HTTP \(answer.status)",
                    ["try again later"])
                return
            }
            doctorReport.ok(area, "\(base) is there, with a certificate that is trusted")
            lookAtClock(answer.date, &doctorReport)
        } catch let error as HTTPError {
            tell(error, &doctorReport)
        } catch {
            let failure = Failure(error)
            doctorReport.fail(area, failure.message, failure.hints)
        }
    }

    private func tell(_ error: HTTPError, _ doctorReport: inout DoctorReport) {
        switch error.code {
        case .untrustedServer, .tlsFailed:
            doctorReport.fail(
                "CA", "the server cannot be trusted: \(error.reason)",
                [
                    "see whether this machine's clock is right: date; timedatectl set-ntp true",
                    "a login page of the network may answer in its place",
                    "tokencert trust list shows whom you trust; --ca-file names others",
                ])
        default:
            doctorReport.fail(
                "CA", "it cannot be reached: \(error.reason)",
                ["see the network; --ca-url names another place; --offline leaves this out"])
        }
    }

    private func lookAtClock(_ date: Int64?, _ doctorReport: inout DoctorReport) {
        guard let date else { return }
        let difference = now() - date
        guard abs(difference) > 300 else {
            doctorReport.ok("clock", "it agrees with the CA's")
            return
        }
        doctorReport.fail(
            "clock",
            "it is \(abs(difference)) seconds \(difference > 0 ? "ahead of" : "behind") the CA's, "
                + "so that certificates seem \(difference > 0 ? "expired" : "not valid yet")",
            ["timedatectl set-ntp true"])
    }
}
