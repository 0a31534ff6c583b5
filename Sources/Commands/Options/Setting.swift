internal import Secrets

/// The value of an option: from the command line, or from the environment.
///
/// - Parameters:
///   - option: What the command line says, or nil.
///   - name: The option's name with underscores, as `CA_URL`.
func setting(_ option: String?, _ name: String) -> String? {
    option ?? environmentVariable("TOKENCERT_" + name)
}

/// Whether a flag is set: on the command line, or in the environment to `1`, `true` or `yes`.
func setting(_ flag: Bool, _ name: String) -> Bool {
    flag || ["1", "true", "yes"].contains(environmentVariable("TOKENCERT_" + name)?.lowercased())
}
