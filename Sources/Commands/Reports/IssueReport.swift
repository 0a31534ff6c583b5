internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertPlatform

/// The JSON report on a certificate that was written to a token.
struct IssueReport: Encodable {
    struct Change: Encodable {
        let subject: String
        let asked: String
        let got: String
    }

    let certificate: CertificateReport
    let id: String
    let label: String
    let keyKind: String
    let isNewKey: Bool
    let key: String
    let proof: String
    let changes: [Change]
    let remarks: [String]
    let order: Int64
    let wasThere: Bool
    let chain: [String]
    let retired: String?

    init(_ issued: IssuedCertificate) {
        certificate = CertificateReport(issued.certificate, uri: issued.uri, now())
        id = hexadecimal(issued.key.id)
        label = issued.key.label
        keyKind = issued.key.publicKey.kind.description
        isNewKey = issued.key.isNew
        key = issued.key.uri
        changes = issued.differences.map {
            Change(subject: $0.subject, asked: $0.asked, got: $0.got)
        }
        remarks = issued.key.remarks + issued.remarks
        proof = issued.proof.rawValue
        order = issued.order
        wasThere = issued.wasThere
        chain = issued.chain
        retired = issued.retired
    }

    /// The lines for users who configure other software.
    var uriLines: [String] {
        [
            "  private key  \(quoted(printable(key)))",
            "  certificate  \(quoted(printable(certificate.uri ?? "")))",
        ]
    }

    var lines: [String] {
        func field(_ name: String, _ value: String?) -> String {
            "  " + padded(name, 13) + printable(value ?? "")
        }
        let place =
            wasThere
            ? "The certificate was already on the token" : "The certificate is on the token"
        let proved = wasThere ? "its key" : "that it holds its key"
        let end = proof == "none" ? "" : ", and the token has proved \(proved)"
        let lines: [String] = [
            "\(place)\(end).",
            field("subject", certificate.subject), field("issuer", certificate.issuer),
            field("serial", certificate.serialNumber),
            field("valid", "\(certificate.notBefore ?? "") to \(certificate.notAfter ?? "")"),
            field("key", "\(keyKind), id \(id)"), field("label", label),
            "  order        \(order) in the ledger",
        ]
        return lines + chain.map { "  chain        \(printable($0))" }
            + remarks.map { "  remark       \(printable($0))" }
            + (retired.map { ["  removed      \(printable($0))"] } ?? [])
            + changes.map {
                printable(
                    "  changed      \($0.subject): requested \"\($0.asked)\", got \"\($0.got)\"")
            }
    }
}

/// Prints the report on a certificate that was written to a token.
func showIssued(_ issued: IssuedCertificate, _ output: CommonOptions) throws {
    if let reason = issued.unrecorded {
        printError(
            "warning: the ledger is incomplete: \(printable(reason)); "
                + "to complete it later: tokencert resume \(issued.order)")
    }
    let report = IssueReport(issued)
    if output.isJSON {
        try printJSON(report)
    } else {
        printFolded(report.lines + (output.isVerbose ? report.uriLines : []), at: 15)
    }
}
