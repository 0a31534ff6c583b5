import Foundation
import OpenSSLX509
import Testing
import TokencertTestAuthority
import TokencertTestSupport
import TokencertTokens

@testable import TokencertCommands

extension SettingsInProcess {
    /// What `doctor` reports about trust anchors, a CA that is not contacted, and the ledger.
    @Suite struct DoctorCheckTests {
        private let folder: TemporaryFolder

        init() throws { folder = try TemporaryFolder() }

        private func caOptions(
            file: String? = nil, url: String? = nil, username: String? = nil
        ) -> CAOptions {
            var options = CAOptions()
            (options.caURL, options.caFile, options.username) = (url, file, username)
            (options.caAccepts, options.passwordSource, options.timeout) = (nil, nil, nil)
            options.caCommand = nil
            return options
        }

        private func ledgerOptions(_ path: String) -> LedgerOptions {
            var options = LedgerOptions()
            options.ledger = path
            return options
        }

        private func anchor(_ name: String, until notAfter: Int64) throws -> Certificate {
            let key = try HostPrivateKey.generate(.ec(.p256))
            return try key.issue(
                CertificateContent(
                    subject: [NameAttribute(.commonName, name)], publicKey: key.publicKey,
                    serialNumber: [1], notBefore: 1_000_000_000, notAfter: notAfter,
                    extensions: [.basicConstraints(isAuthority: true)]), issuer: nil)
        }

        // Otherwise monitoring would raise an alarm for something that works.
        @Test("Only a failure sets hasFailed, and each check has its own advice")
        func status() throws {
            var report = DoctorReport()
            #expect(!report.hasFailed)
            report.ok("a", "fine")
            report.warn("b", "odd", ["do this", "or that"])
            #expect(!report.hasFailed)
            report.fail("c", "broken", ["mend it"])
            report.ok("d", "fine")
            #expect(report.hasFailed)
            #expect(
                try jsonLine(report.checks.prefix(3).map { $0 })
                    == #"[{"advice":[],"area":"a","message":"fine","status":"ok"},"#
                    + #"{"advice":["do this","or that"],"area":"b","message":"odd","status":"warn"},"#
                    + #"{"advice":["mend it"],"area":"c","message":"broken","status":"fail"}]"#)
        }

        @Test("An expired anchor is a warning, and a missing anchor is a failure")
        func anchors() throws {
            let valid = try anchor("Valid", until: 4_000_000_000)
            let expired = try anchor("Expired", until: 1_100_000_000)
            let file = try folder.write(valid.pem + expired.pem, "anchors.pem")
            var report = DoctorReport()
            let found = TrustChecks(ca: caOptions(file: file)).look(&report)
            #expect(found?.certificates.count == 2)
            #expect(report.checks.map(\.status) == [.ok, .warn])
            #expect(report.checks[0].message == "Valid")
            #expect(report.checks[1].message == "Expired expired on 2004-11-09")
            #expect(!report.checks[1].advice.isEmpty && !report.hasFailed)
            for bad in try [folder.write("text", "bad.pem"), folder.file("none.pem")] {
                var report = DoctorReport()
                let found = TrustChecks(ca: caOptions(file: bad)).look(&report)
                #expect(found == nil && report.hasFailed && report.checks.count == 1, "\(bad)")
                #expect(!report.checks[0].advice.isEmpty)
            }
        }

        // Anyone can create a root with the name of CAcert's root.
        @Test(
            "The known fingerprint is not reported for a root that only has the name of CAcert's"
        )
        func forgedRoot() throws {
            let forged = try anchor("CA Cert Signing Authority", until: 4_000_000_000)
            let file = try folder.write(forged.pem, "anchors.pem")
            var report = DoctorReport()
            _ = TrustChecks(ca: caOptions(file: file)).look(&report)
            #expect(report.checks.map(\.message) == ["CA Cert Signing Authority"])
        }

        @Test("Without anchors the CA is not contacted, since its answer could not be trusted")
        func unasked() throws {
            func checks(_ options: CAOptions) -> [DoctorReport.Check] {
                var report = DoctorReport()
                CAChecks(ca: options, anchors: nil).look(&report)
                return report.checks
            }
            let named = checks(caOptions(url: "https://ca.example", username: "a@example.org"))
            #expect(named.map(\.status) == [.warn])
            #expect(named[0].message.hasPrefix("https://ca.example was not checked"))
            let unnamed = checks(caOptions(url: "https://ca.example"))
            #expect(unnamed.map(\.status) == [.warn, .warn])
            #expect(unnamed[0].message == "no account is specified")
            let wrong = checks(caOptions(url: "http://ca.example", username: "a@example.org"))
            #expect(wrong.map(\.status) == [.fail])
        }

        @Test("A missing ledger is accepted, and a file that is not a ledger is a failure")
        func ledger() throws {
            var report = DoctorReport()
            LedgerChecks(options: ledgerOptions(folder.file("none.sqlite"))).look(&report)
            #expect(report.checks.map(\.status) == [.ok])
            // The check does not create the file.
            #expect(!FileManager.default.fileExists(atPath: folder.file("none.sqlite")))
            let text = try folder.write(String(repeating: "no ledger\n", count: 200), "text")
            LedgerChecks(options: ledgerOptions(text)).look(&report)
            #expect(report.hasFailed && report.checks.count == 2)
            #expect(!report.checks[1].advice.isEmpty)
            #expect(try folder.read("text").hasPrefix("no ledger\nno ledger\n"))
        }

        // The first order creates the tables in it.
        @Test("An empty file at the path of the ledger is accepted")
        func emptyLedger() throws {
            var report = DoctorReport()
            let empty = try folder.write("", "empty.sqlite")
            LedgerChecks(options: ledgerOptions(empty)).look(&report)
            #expect(report.checks.map(\.status) == [.ok])
            #expect(try folder.read("empty.sqlite").isEmpty)
        }

        // Otherwise each unattended run ends with 78, although doctor reports no problem.
        @Test("A record of refused PINs that cannot be used is a failure")
        func refusedPINs() throws {
            var report = DoctorReport()
            TokenChecks.lookAtRefusedPINs(inFolder: folder.file("none/none"), &report)
            #expect(report.checks.isEmpty)
            try folder.write("{", "refused-pins.json")
            TokenChecks.lookAtRefusedPINs(inFolder: folder.path, &report)
            try folder.write("", "file")
            TokenChecks.lookAtRefusedPINs(inFolder: folder.file("file/state"), &report)
            #expect(report.checks.map(\.status) == [.fail, .fail])
            #expect(report.checks[0].message.contains("is damaged"), "\(report.checks[0])")
            #expect(report.checks.allSatisfy { !$0.advice.isEmpty })
            #expect(!FileManager.default.fileExists(atPath: folder.file("none")))
        }

        // MARK: Profiles of tokens

        @Test(
            "A chosen profile applies to every token, and a file that is not a profile is refused")
        func tokenProfiles() throws {
            #expect(try Profiles.choose("none").isEmpty)
            let file = try folder.write(
                #"{"name": "mine", "title": "t", "tested": "no", "match": {"tokenModel": "X"}}"#,
                "mine.json")
            let chosen = try Profiles.choose(file)
            #expect(chosen.map(\.name) == ["mine"] && chosen.map(\.match) == [.all])
            for text in ["", "[]", #"{"name": "mine"}"#] {
                let bad = try folder.write(text, "bad.json")
                let failure = try #require(throws: Failure.self) { _ = try Profiles.choose(bad) }
                #expect(failure.status == .configuration, "\(text)")
                #expect(failure.message.contains(bad) && !failure.hints.isEmpty)
            }
            let absent = try #require(throws: Failure.self) {
                _ = try Profiles.choose(folder.file("none.json"))
            }
            #expect(absent.status == .configuration)
        }
    }
}
