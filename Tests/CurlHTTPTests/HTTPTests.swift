import Foundation
import Testing
import TokencertHTTP
import TokencertPlatform
import TokencertTestSupport

extension RealParts {
    @Suite struct HTTPTests {
        private func post(
            _ url: String, anchors: String, limits: HTTPLimits = HTTPLimits()
        ) throws(HTTPError) -> HTTPAnswer {
            var client = try HTTPClient(
                anchorsPEM: anchors, userAgent: "test", limits: limits)
            return try client.post(
                to: url,
                form: Secret(
                    copying: Array("username=a&password=b".utf8)))
        }

        @Test("A form reaches a trusted server, and every other server is refused")
        func trust() throws {
            let ca = try StandIn()
            let anchors = try ca.folder.read("root.pem")
            let answer = try post(ca.url + "/api/cemails.php", anchors: anchors)
            #expect(answer.status == 200)
            #expect(String(decoding: answer.body, as: UTF8.self).hasPrefix("403,"))

            let other = try TemporaryFolder()
            try run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", other.file("k"),
                    "-out", other.file("root.pem"), "-subj", "/CN=Other", "-days", "2",
                ])
            for (url, anchors, code) in [
                (ca.url, try other.read("root.pem"), HTTPError.Code.untrustedServer),
                (ca.url, "", .badAnchors),
                (ca.url.replacing("localhost", with: "www.localhost"), anchors, .untrustedServer),
                ("http://localhost:1", anchors, .invalidURL),
                ("file:///etc/passwd", anchors, .invalidURL),
                ("https://localhost:1", anchors, .unreachable),
                ("https://nowhere.invalid", anchors, .unreachable),
            ] {
                let error = #expect(throws: HTTPError.self) {
                    _ = try post(url, anchors: anchors)
                }
                #expect(error?.code == code, "\(url) \(String(describing: error))")
                #expect(error?.mayHaveBeenSent == false)
            }
        }

        @Test(
            "TLS 1.1 is refused, and TLS 1.2 and 1.3 are accepted",
            arguments: [("-tls1_1", true), ("-tls1_2", false), ("-tls1_3", false)])
        func tlsVersion(version: String, isRefused: Bool) throws {
            let ca = try StandIn()
            let port = Int.random(in: 20000...30000)
            let server = Process()
            server.executableURL = URL(filePath: "/usr/bin/openssl")
            server.arguments = [
                "s_server", "-accept", "\(port)", "-cert", ca.folder.file("server.pem"), "-key",
                ca.folder.file("server.key"), version, "-cipher", "ALL:@SECLEVEL=0", "-www",
            ]
            server.standardOutput = FileHandle.nullDevice
            server.standardError = FileHandle.nullDevice
            try server.run()
            defer { end(server) }
            usleep(500_000)
            let error = #expect(throws: HTTPError.self) {
                _ = try post(
                    "https://localhost:\(port)/", anchors: ca.folder.read("root.pem"),
                    limits: HTTPLimits(timeout: 2))
            }
            // The server does not answer the form.
            #expect(
                error?.code == (isRefused ? .tlsFailed : .timedOut), "\(String(describing: error))")
        }

        @Test("An answer that is too large or too slow is aborted")
        func limits() throws {
            #expect(
                HTTPLimits() == HTTPLimits(connectTimeout: 20, timeout: 120, maximumAnswer: 1 << 20)
            )
            let huge = try StandIn(["--account-fault", "huge"])
            let form =
                "username=anna@example.org&password="
                + StandIn.password
                .replacing(" ", with: "%20").replacing("&", with: "%26").replacing("=", with: "%3D")
            func send(_ ca: StandIn, _ limits: HTTPLimits) throws(HTTPError) {
                var client = try HTTPClient(
                    anchorsPEM: (try? ca.folder.read("root.pem")) ?? "",
                    userAgent: "test", limits: limits)
                _ = try client.post(
                    to: ca.url + "/api/cemails.php", form: Secret(copying: Array(form.utf8)))
            }
            let large = #expect(throws: HTTPError.self) {
                try send(huge, HTTPLimits(maximumAnswer: 1 << 20))
            }
            #expect(large?.code == .answerTooLarge)
            #expect(large?.reason == "the answer is larger than 1 MiB")
            #expect(large?.mayHaveBeenSent == true)
            #expect((large?.partialAnswer.count ?? 0) <= 1 << 20)
            let hanging = try StandIn(["--account-fault", "hang"])
            let late = #expect(throws: HTTPError.self) { try send(hanging, HTTPLimits(timeout: 2)) }
            #expect(late?.code == .timedOut)
            #expect(late?.mayHaveBeenSent == true)
        }
    }
}
