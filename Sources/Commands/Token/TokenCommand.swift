internal import ArgumentParser

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Set up a token, or a PIN of it.",
        subcommands: [
            InitTokenCommand.self, SetPINCommand.self, ChangePINCommand.self,
            UnblockPINCommand.self, LabelTokenCommand.self,
        ])
}
