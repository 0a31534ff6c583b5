internal import ArgumentParser
internal import Synchronization

/// Completion of values that exist at the moment, such as tokens and orders.
///
/// Options only name the subject. The finder depends on the options, so it is set at program start.
enum LiveCompletion {
    enum Subject: Sendable {
        /// Labels or serial numbers of tokens, or URIs if the word at the cursor is one.
        case tokens
        /// Short names of keys and certificates, or URIs if the word at the cursor is one.
        case objects
        /// The same for private keys only.
        case keys
        case configurationProfiles, tokenProfiles, anchors, unfinishedOrders, secretSources
        /// Those of unfinished ones first.
        case orders
    }

    /// Finds values, escaped for the user's shell, from the other words of the command line and the
    /// word at the cursor.
    typealias Finder =
        @Sendable (_ subject: Subject, _ words: [String], _ begun: String) -> [String]

    fileprivate static let finder = Mutex<Finder?>(nil)

    /// Sets the finder. Without a finder, no values are offered.
    static func use(_ finder: @escaping Finder) {
        Self.finder.withLock { $0 = finder }
    }
}

extension CompletionKind {
    /// Offers values that exist at the moment.
    static func live(_ subject: LiveCompletion.Subject) -> CompletionKind {
        .custom { words, index, begun in
            guard let find = LiveCompletion.finder.withLock({ $0 }) else { return [] }
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
