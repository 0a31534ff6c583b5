internal import FoundationEssentials
internal import Synchronization

/// An order that has passed the server's checks and was queued for the signer.
struct Order: Codable, Sendable, Hashable {
    /// The states as the web account shows them.
    enum Status: String, Sendable, Hashable {
        case valid = "Valid"
        case expired = "Expired"
        case pending = "Pending"
        case revoked = "Revoked"
    }

    struct Certificate: Codable, Sendable, Hashable {
        /// The serial number in upper-case hexadecimal.
        let serialNumber: String
        /// The last second of the validity, in seconds since 1970-01-01 00:00 UTC.
        let notAfter: Int64
        /// The time of the revocation; nil if the certificate is not revoked.
        var revoked: Int64?
    }

    /// The number in the answer `ID: 4711`.
    let number: UInt64
    /// The user name of the account.
    let username: String
    /// The first address of the certificate.
    let address: String
    /// The certificate; nil if the signer has not signed the request.
    var certificate: Certificate?

    func status(at now: Int64) -> Status {
        guard let certificate else { return .pending }
        if certificate.revoked != nil { return .revoked }
        return certificate.notAfter < now ? .expired : .valid
    }
}

/// All orders, each in a file, so that they survive a restart. Errors in writing are ignored: an order
/// does not depend on its file.
final class Orders: Sendable {
    let certificates: IssuedCertificates

    private let directory: String
    private let state: Mutex<(last: UInt64, orders: [UInt64: Order])>

    /// Reads the folders `issued` and `orders` of a folder, or creates them. Numbers continue after the
    /// highest.
    init(directory: String) throws {
        certificates = try IssuedCertificates(directory: directory + "/issued")
        let folder = directory + "/orders"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        var orders: [UInt64: Order] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder)
        where name.hasSuffix(".json") {
            let data = try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))
            let order = try JSONDecoder().decode(Order.self, from: data)
            orders[order.number] = order
        }
        self.directory = folder
        state = Mutex((orders.keys.max() ?? 4711, orders))
    }

    subscript(_ number: UInt64) -> Order? {
        state.withLock { $0.orders[number] }
    }

    /// The orders of an account, newest first.
    func ofAccount(_ username: String) -> [Order] {
        state.withLock { state in
            state.orders.values.filter { $0.username == username }
                .sorted { $0.number > $1.number }
        }
    }

    /// Queues an order, and returns its number.
    func queue(username: String, address: String) -> UInt64 {
        state.withLock { state in
            state.last += 1
            let order = Order(number: state.last, username: username, address: address)
            state.orders[order.number] = order
            write(order)
            return order.number
        }
    }

    /// Records the certificate for a pending order. `revoked` is the time of its revocation, if it is
    /// revoked at once.
    func issue(
        _ certificate: SignedCertificate, for number: UInt64, revoked: Int64? = nil
    ) throws(StandInError) {
        try certificates.record(certificate)
        state.withLock { state in
            guard var order = state.orders[number] else { return }
            order.certificate = Order.Certificate(
                serialNumber: certificate.serialNumber, notAfter: certificate.notAfter,
                revoked: revoked)
            state.orders[number] = order
            write(order)
        }
    }

    /// Revokes those certificates that belong to the account and are not revoked yet, and returns
    /// their serial numbers.
    func revoke(_ numbers: [UInt64], of username: String, at now: Int64) -> [String] {
        state.withLock { state in
            var serialNumbers: [String] = []
            for number in numbers {
                guard var order = state.orders[number], order.username == username,
                    let certificate = order.certificate, certificate.revoked == nil
                else { continue }
                order.certificate?.revoked = now
                state.orders[number] = order
                write(order)
                serialNumbers.append(certificate.serialNumber)
            }
            return serialNumbers
        }
    }

    /// Deletes those orders that belong to the account and are pending. They are never signed.
    func deletePending(_ numbers: [UInt64], of username: String) {
        state.withLock { state in
            for number in numbers {
                guard let order = state.orders[number], order.username == username,
                    order.certificate == nil
                else { continue }
                state.orders[number] = nil
                try? FileManager.default.removeItem(atPath: file(number))
            }
        }
    }

    private func file(_ number: UInt64) -> String { "\(directory)/\(number).json" }

    private func write(_ order: Order) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(order) else { return }
        try? replaceFile(file(order.number), with: data)
    }
}
