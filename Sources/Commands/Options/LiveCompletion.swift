internal import ArgumentParser
internal import Synchronization

/// Completion of values that exist at the moment, such as tokens and orders.
///
/// Options only name the subject. The finder depends on the options, so it is set at program start.
enum LiveCompletion {
    /// What is completed.
    enum Subject: Sendable {
        case tokens, objects, keys, configurationProfiles, tokenProfiles, anchors, orders
    }

    /// Finds values, escaped for the user's shell, from the words of the command line and the word
    /// at the cursor.
    typealias Finder =
        @Sendable (_ subject: Subject, _ words: [String], _ begun: String) -> [String]

    /// Labels of tokens, or URIs if the word at the cursor is one.
    static let tokens = offering(.tokens)
    /// URIs of keys and certificates.
    static let objects = offering(.objects)
    /// URIs of private keys.
    static let keys = offering(.keys)
    /// Names of the profiles in the configuration file.
    static let configurationProfiles = offering(.configurationProfiles)
    /// Names of token profiles.
    static let tokenProfiles = offering(.tokenProfiles)
    /// Names of the stored trust anchors.
    static let anchors = offering(.anchors)
    /// Numbers of unfinished orders.
    static let orders = offering(.orders)

    private static let finder = Mutex<Finder?>(nil)

    /// Sets the finder. Without a finder, no values are offered.
    static func use(_ finder: @escaping Finder) {
        Self.finder.withLock { $0 = finder }
    }

    private static func offering(_ subject: Subject) -> CompletionKind {
        .custom { words, _, begun in
            let find = finder.withLock { $0 }
            return find?(subject, words, begun) ?? []
        }
    }
}
