internal import ArgumentParser

/// Adds what argument-parser's completion script for a shell lacks.
func extendedScript(_ script: String, for shell: CompletionShell) -> String {
    switch shell {
    case .bash:
        return script + "\n\n"
            + String(decoding: PackageResources.JoinedWords_bash, as: UTF8.self)
    case .zsh: return zshScript(script)
    case .fish: return script + "\n" + ordersInFish
    default: return script
    }
}

/// Adds the numbers of orders to `history`, and leaves out the space after an unfinished value, such
/// as `file:`.
private func zshScript(_ script: String) -> String {
    var script = script.replacing(
        "_describe -V '' non_empty_completions --",
        with: """
            local -ar unfinished=("${(M)non_empty_completions[@]:#*(:|/)}")
                local -ar finished=("${non_empty_completions[@]:#*(:|/)}")
                _describe -V '' finished -- unfinished -S '' --
            """)
    let subcommands = "_describe -V subcommand subcommands && ret=0\n"
    if let history = script.firstRange(of: "\n_tokencert_history() {"),
        let place = script[history.upperBound...].firstRange(of: subcommands)
    {
        script.insert(
            contentsOf: """
                        __tokencert_custom_complete ---completion history show -- positional@0 \
                "${current_word_index}" \
                "$(__tokencert_cursor_index_in_current_word)" && ret=0

                """, at: place.upperBound)
    }
    return script
}

/// Adds the numbers of orders to `history`.
private let ordersInFish =
    "complete -c 'tokencert' -n '__tokencert_should_offer_completions_for_positional "
    + "\"tokencert history\" -eq 1' -fka '(__tokencert_custom_completion ---completion history "
    + "show -- positional@0 (count (__tokencert_tokens -pc)) (__tokencert_tokens -tC))'"
