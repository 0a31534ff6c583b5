internal import TokencertPlatform

/// Insists that the person at the terminal types a word, before something is done that cannot be
/// taken back.
///
/// - Parameters:
///   - question: What will be done.
///   - word: What has to be typed; where it is empty, or cannot be shown as it is, `yes`.
///   - hint: What to type where there is no terminal.
func requireConfirmation(_ question: String, typing word: String, hint: String) throws {
    Progress.shared.finish()
    let word = word.isEmpty || printable(word) != word ? "yes" : word
    guard let typed = askAtTerminal("\(question)\nTo go on, type \(word): ") else {
        throw Failure(.usage, code: "noTerminal", "there is no terminal to ask at", hints: [hint])
    }
    guard typed == word else {
        throw Failure(
            .usage, code: "notConfirmed", "something else was typed; nothing was done",
            hints: [hint])
    }
}
