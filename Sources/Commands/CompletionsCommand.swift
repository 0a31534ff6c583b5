internal import ArgumentParser

struct CompletionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions", abstract: "Print a shell completion script.",
        discussion: """
            bash: tokencert completions bash > ~/.local/share/bash-completion/completions/tokencert
            zsh: tokencert completions zsh > a folder of $fpath, as _tokencert
            fish: tokencert completions fish > ~/.config/fish/completions/tokencert.fish

            The script also completes order numbers, tokens, and the keys and certificates that are \
            visible without a PIN. What a module shows is read at most once a minute; a module that \
            takes longer than half a second is not waited for.
            """)

    @Argument(
        help: ArgumentHelp("Name of the shell: bash, zsh or fish.", valueName: "shell"),
        completion: .list(["bash", "zsh", "fish"]))
    var shell: String

    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        guard let shell = CompletionShell(rawValue: shell) else {
            throw Failure(
                .usage, "there is no completion script for \"\(shell)\"",
                hints: ["use bash, zsh or fish"])
        }
        let script = extendedScript(Tokencert.completionScript(for: shell), for: shell)
        if output.isJSON {
            try printJSON(["script": script])
        } else {
            print(script)
        }
    }
}
