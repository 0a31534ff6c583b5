import Foundation
import Testing
import TokencertTestSupport

@testable import TokencertCAcert

/// Responders whose answers depend on their names, and servers of revocation lists. `openssl ocsp`
/// signs the answers.
struct Responders: RevocationTransport {
    let folder: TemporaryFolder
    let lists: [String: [UInt8]]
    var asked: [String] = []

    mutating func getList(_ address: String) throws(TransportError) -> TransportAnswer {
        asked.append(address)
        guard let list = lists[address] else {
            throw TransportError(reason: "it is down", mayHaveBeenSent: false)
        }
        return TransportAnswer(status: 200, body: list)
    }

    mutating func ask(
        _ address: String, _ question: [UInt8]
    ) throws(TransportError) -> TransportAnswer {
        asked.append(address)
        if address.contains("good") { return answer("V", "", "5151", question) }
        if address.contains("revoked") {
            return answer("R", "260101000000Z", "5151", question)
        }
        if address.contains("unknown") { return answer("V", "", "9999", question) }
        if address.contains("useless") {
            return TransportAnswer(status: 200, body: Array("no response".utf8))
        }
        if address.contains("failing") { return TransportAnswer(status: 500, body: []) }
        throw TransportError(reason: "it is down", mayHaveBeenSent: false)
    }

    private func answer(
        _ state: String, _ revoked: String, _ serial: String, _ question: [UInt8]
    ) -> TransportAnswer {
        let body = try? response(
            "\(state)\t350101000000Z\t\(revoked)\t\(serial)\tunknown\t/CN=x\n", question)
        return TransportAnswer(status: 200, body: body ?? [])
    }

    private func response(_ index: String, _ question: [UInt8]) throws -> [UInt8] {
        try folder.write(index, "index")
        try Data(question).write(to: URL(filePath: folder.file("request.der")))
        let outcome = try run(
            "openssl",
            [
                "ocsp", "-index", folder.file("index"), "-CA", folder.file("root.pem"),
                "-rsigner", folder.file("root.pem"), "-rkey", folder.file("root.key"),
                "-reqin", folder.file("request.der"), "-respout", folder.file("response.der"),
                "-ndays", "1",
            ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        return [UInt8](try Data(contentsOf: URL(filePath: folder.file("response.der"))))
    }
}
