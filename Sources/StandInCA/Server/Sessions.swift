/// The sessions of the server. Requests with the same session cookie wait for each other, like
/// those of PHP.
actor Sessions {
    private var last: [String: Task<PageAnswer, Never>] = [:]

    /// Answers a request after all earlier requests of its session.
    func answer(
        _ cookies: String?, _ page: @escaping @Sendable () async -> PageAnswer
    ) async -> PageAnswer {
        guard let session = Self.session(cookies) else { return await page() }
        let before = last[session]
        let answer = Task {
            _ = await before?.value
            return await page()
        }
        last[session] = answer
        return await answer.value
    }

    private static func session(_ cookies: String?) -> String? {
        let pairs = (cookies ?? "").split(separator: ";").map { $0.drop { $0 == " " } }
        return pairs.first { $0.hasPrefix("cacert=") }.map(String.init)
    }
}
