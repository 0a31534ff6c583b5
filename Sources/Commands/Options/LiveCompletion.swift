internal import ArgumentParser
internal import Synchronization

/// The kinds of values that a shell completes with what exists at the moment.
///
/// Options name a kind only. What finds the values needs options itself, and is set when the program
/// starts.
enum LiveCompletion {
    /// What a value names.
    enum Subject: Sendable {
        case tokens, objects, keys, configurationProfiles, tokenProfiles, anchors, orders
    }

    /// Finds values for a subject that fit the words of the command line and the beginning of the
    /// word at the cursor, as the user's shell takes them.
    typealias Finder =
        @Sendable (_ subject: Subject, _ words: [String], _ begun: String) -> [String]

    /// Labels of tokens, or URIs if the user has begun one.
    static let tokens = offering(.tokens)
    /// URIs of keys and certificates.
    static let objects = offering(.objects)
    /// URIs of private keys.
    static let keys = offering(.keys)
    /// The names of the profiles in the configuration file.
    static let configurationProfiles = offering(.configurationProfiles)
    /// The names of token profiles.
    static let tokenProfiles = offering(.tokenProfiles)
    /// The names of the stored trust anchors.
    static let anchors = offering(.anchors)
    /// Numbers of orders that are unfinished.
    static let orders = offering(.orders)

    private static let finder = Mutex<Finder?>(nil)

    /// Sets what finds the values. Without it, nothing is offered.
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
