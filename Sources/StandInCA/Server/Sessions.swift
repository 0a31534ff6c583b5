/// The sessions of the server. Requests with the same session cookie wait for each other, like
/// those of PHP.
actor Sessions {
    private var last: [String: Task<Void, Never>] = [:]

    /// Answers a request after all earlier requests of its session. A request without a session does
    /// not wait.
    func reply(
        in session: String?, _ page: @escaping @Sendable () async -> Reply
    ) async -> Reply {
        guard let session else { return await page() }
        let before = last[session]
        let reply = Task {
            _ = await before?.value
            return await page()
        }
        last[session] = Task { _ = await reply.value }
        return await reply.value
    }

    /// The session in the cookies of a request; nil if they have none.
    static func identifier(_ cookies: String?) -> String? {
        let name = "cacert="
        let pairs = (cookies ?? "").split(separator: ";").map { $0.drop { $0 == " " } }
        let value = pairs.first { $0.hasPrefix(name) }?.dropFirst(name.count)
        return value.flatMap { $0.isEmpty ? nil : String($0) }
    }
}

/// Sixteen random hexadecimal digits.
func randomDigits() -> String {
    let digits = String(UInt64.random(in: 0...UInt64.max), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
