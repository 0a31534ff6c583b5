internal import TokencertPlatform

// The rules of the prompts:
// 1. Secrets, confirmations and questions are asked at /dev/tty. The explanation of a new PIN and of a
//    mistake goes to standard error.
// 2. The text of a prompt stays on the screen; a secret is not echoed.
// 3. A question is asked only if the command prints no JSON, if standard input and standard error are
//    terminals, and if no secret comes from standard input. Scripts get an error that names the option.
// 4. A question asks for one thing that the command line leaves out. Nothing is preselected.
// 5. An empty answer or Ctrl-D is no answer: the command ends with the error that scripts get.
// 6. After a mistake the reason is shown and the prompt repeated: three attempts in all.
// 7. A PIN that the token refused is never sent again. Another one is asked for only if the token
//    reports that tries are left, and never for the last try.
// 8. What cannot be undone is listed first, and the user types a word to confirm it.

/// Requires that the user types a word before something is done that cannot be undone. If the word
/// is empty or cannot be shown unchanged, `yes` is required instead. `hint` is for those who have no
/// terminal.
func requireConfirmation(
    _ lines: [String], typing word: String, to purpose: String, hint: String
) throws {
    Progress.shared.finish()
    let word = word.isEmpty || printable(word) != word ? "yes" : word
    let prompt = "Type \(word) to \(purpose): "
    guard let typed = askAtTerminal((lines + [prompt]).joined(separator: "\n")) else {
        throw Failure(
            .usage, code: "noTerminal", "cannot ask for confirmation: there is no terminal",
            hints: [hint])
    }
    guard typed == word else {
        throw Failure(
            .usage, code: "notConfirmed", "the confirmation does not match; nothing was done",
            hints: ["to try again, run the same command and type \(word)"])
    }
}

/// Asks for something that the command line leaves out. Returns nil if the user must not be asked or
/// does not answer.
func typedAnswer(to question: String) -> String? {
    let input = SecretSource.fileDescriptor(0)
    guard isTextWanted, isTerminal(0), Output.standardError.isTerminal,
        !namedSources(inArguments: CommandLine.arguments).contains(where: {
            $0.sharesStream(with: input)
        })
    else { return nil }
    Progress.shared.finish()
    let text = askAtTerminal(question).map { trimmed($0[...]) }
    return text?.isEmpty ?? true ? nil : text
}

/// Lets the user choose one of several things by its number. Returns its index, or nil if the user must
/// not be asked or does not choose.
func numberChosen(_ title: String, among items: [String]) -> Int? {
    guard items.count > 1 else { return nil }
    let lines = items.enumerated().map { "  \($0.offset + 1)  \(printable($0.element))" }
    var text = ([title] + lines).joined(separator: "\n") + "\n"
    for _ in 0..<3 {
        guard let typed = typedAnswer(to: text + "Number (1 to \(items.count)): ") else {
            return nil
        }
        if let chosen = indexNumbered(typed, among: items.count) { return chosen }
        text = "\(printable(typed)) is not a number from 1 to \(items.count); try again\n"
    }
    return nil
}

/// The index that an answer names, or nil. The numbers begin with 1.
func indexNumbered(_ answer: String, among count: Int) -> Int? {
    guard answer.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(answer),
        (1...count).contains(number)
    else { return nil }
    return number - 1
}
