internal import Secrets

/// Insists that the person at the terminal types a word, before something is done that cannot be
/// taken back.
///
/// - Parameters:
///   - question: What will be done.
///   - word: What has to be typed.
///   - hint: What to type where there is no terminal.
func requireConfirmation(_ question: String, typing word: String, hint: String) throws {
    let typed: String
    do throws(SecretError) {
        typed = try askAtTerminal("\(question)\nTo go on, type \(word): ")
    } catch {
        throw Failure(.usage, error.reason, hints: [hint])
    }
    guard typed == word else {
        throw Failure(.usage, "something else was typed; nothing was done", hints: [hint])
    }
}
