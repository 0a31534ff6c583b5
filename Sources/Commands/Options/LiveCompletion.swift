internal import ArgumentParser
internal import Synchronization

/// Completion of values that exist at the moment, such as tokens and orders.
///
/// Options only name the subject. The finder depends on the options, so it is set at program start.
enum LiveCompletion {
    /// What is completed.
    enum Subject: Sendable {
        case tokens, objects, keys, configurationProfiles, tokenProfiles, anchors
        case unfinishedOrders, orders, secretSources
    }

    /// Finds values, escaped for the user's shell, from the other words of the command line and the
    /// word at the cursor.
    typealias Finder =
        @Sendable (_ subject: Subject, _ words: [String], _ begun: String) -> [String]

    /// Labels or serial numbers of tokens, or URIs if the word at the cursor is one.
    static let tokens = offering(.tokens)
    /// Short names of keys and certificates, or URIs if the word at the cursor is one.
    static let objects = offering(.objects)
    /// The same for private keys only.
    static let keys = offering(.keys)
    /// Names of the profiles in the configuration file.
    static let configurationProfiles = offering(.configurationProfiles)
    /// Names of token profiles.
    static let tokenProfiles = offering(.tokenProfiles)
    /// Names of the stored trust anchors.
    static let anchors = offering(.anchors)
    /// Numbers of unfinished orders.
    static let unfinishedOrders = offering(.unfinishedOrders)
    /// Numbers of all orders, those of unfinished ones first.
    static let orders = offering(.orders)
    /// Sources of secrets.
    static let secretSources = offering(.secretSources)

    private static let finder = Mutex<Finder?>(nil)

    /// Sets the finder. Without a finder, no values are offered.
    static func use(_ finder: @escaping Finder) {
        Self.finder.withLock { $0 = finder }
    }

    private static func offering(_ subject: Subject) -> CompletionKind {
        .custom { words, index, begun in
            guard let find = finder.withLock({ $0 }) else { return [] }
            // argument-parser takes the last word for the one at the cursor.
            guard words.indices.contains(index) else { return find(subject, words, begun) }
            var others = words
            let current = others.remove(at: index)
            // The option whose value is completed has no value yet.
            if index > 0, others[index - 1].hasPrefix("--") { others.remove(at: index - 1) }
            return find(subject, others, index == words.count - 1 ? begun : current)
        }
    }
}
