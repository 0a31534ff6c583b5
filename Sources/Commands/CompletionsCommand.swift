internal import ArgumentParser

struct CompletionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions", abstract: "Print what makes a shell complete commands.",
        discussion: """
            bash: tokencert completions bash > ~/.local/share/bash-completion/completions/tokencert
            zsh: tokencert completions zsh > a folder of $fpath, as _tokencert
            fish: tokencert completions fish > ~/.config/fish/completions/tokencert.fish

            Tokens, keys and certificates are completed, too, as far as they are seen without a PIN.
            """)

    @Argument(
        help: ArgumentHelp("bash, zsh or fish.", valueName: "shell"),
        completion: .list(["bash", "zsh", "fish"]))
    var shell: String

    @OptionGroup var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        guard let shell = CompletionShell(rawValue: shell) else {
            throw Failure(
                .usage, "there are no completions for “\(shell)”",
                hints: ["tokencert completions takes bash, zsh or fish"])
        }
        let script = Tokencert.completionScript(for: shell)
        if output.isJSON {
            try printJSON(["script": script])
        } else {
            print(script)
        }
    }
}
