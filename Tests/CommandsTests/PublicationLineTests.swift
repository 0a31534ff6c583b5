import Testing

@testable import TokencertCAcert
@testable import TokencertCommands

/// What `revoke` prints about a publication. A user who reads "published" does not warn others.
@Suite struct PublicationLineTests {
    private func line(_ publication: Publication) -> String {
        PublicationReport(publication).line(at: 1_000_000_000)
    }

    @Test("The line names the source, and until when other programs accept the certificate")
    func lines() {
        let early: Int64 = 999_999_999
        let late: Int64 = 1_000_000_001
        let accepted = "not published yet: other programs accept the certificate"
        let unlisted = "\(accepted) until they have the CA's next revocation list"
        let valid = "\(accepted) as long as the CA's OCSP responder reports it as valid"
        let cases: [(Publication, String)] = [
            (
                Publication(status: .published, source: .ocsp),
                "published: the CA's OCSP responder reports the revocation"
            ),
            (
                Publication(status: .published, source: .crl, time: early),
                "published: it is on the CA's revocation list of 2001-09-09T01:46:39Z"
            ),
            (
                Publication(status: .notYet, source: .crl, time: late),
                "\(unlisted), which is due by 2001-09-09T01:46:41Z"
            ),
            (
                Publication(status: .notYet, source: .crl, time: early),
                "\(unlisted), which was due by 2001-09-09T01:46:39Z"
            ),
            (
                Publication(status: .notYet, source: .crl),
                unlisted
            ),
            (
                Publication(status: .notYet, source: .crl, isValidAtResponder: true),
                unlisted + "; the CA's OCSP responder also reports it as valid"
            ),
            (
                Publication(status: .published, source: .crl, isValidAtResponder: true),
                "published: it is on the CA's revocation list; other programs accept the certificate "
                    + "if they ask the CA's OCSP responder, which still reports it as valid"
            ),
            (
                Publication(status: .notYet, source: .ocsp),
                valid
            ),
            (
                Publication(status: .notOffered),
                "not published: the certificate names neither a responder nor a revocation list"
            ),
            (
                Publication(status: .unknown, reasons: ["one", "two"]),
                "unknown whether it is published: one; two"
            ),
        ]
        for (publication, text) in cases { #expect(line(publication) == text) }
    }

    @Test("Other sources are noted, except those that the line names")
    func notes() {
        let reasons = ["cannot query http://127.0.0.1:1/"]
        let published = PublicationReport(
            Publication(status: .published, source: .crl, reasons: reasons))
        #expect(published.notes == reasons && published.isPublished)
        let unknown = PublicationReport(Publication(status: .unknown, reasons: reasons))
        #expect(unknown.notes.isEmpty && !unknown.isPublished)
        let disputed = PublicationReport(
            Publication(status: .published, source: .crl, isValidAtResponder: true))
        #expect(disputed.notes.isEmpty && !disputed.isPublished)
        #expect(disputed.reason == "an OCSP responder still reports the certificate as valid")
    }

    @Test("revoke reports that programs reject certificates only if no source reports one as valid")
    func rejections() {
        let responder = PublicationReport(Publication(status: .published, source: .ocsp))
        let list = PublicationReport(Publication(status: .published, source: .crl))
        let disputed = PublicationReport(
            Publication(status: .published, source: .crl, isValidAtResponder: true))
        let pending = PublicationReport(Publication(status: .notYet, source: .crl))
        #expect(
            PublicationReport.rejection([responder, responder])
                == "Programs that ask the CA's OCSP responder reject the certificates from now on.")
        #expect(
            PublicationReport.rejection([list])
                == "Programs that get the CA's new revocation list reject the certificates from now "
                + "on.")
        #expect(
            PublicationReport.rejection([list, responder])
                == "Programs that query the source shown for a certificate now reject it.")
        for other in [disputed, pending, nil] {
            #expect(PublicationReport.rejection([list, other]) == nil)
        }
        #expect(PublicationReport.rejection([]) == nil)
    }
}
