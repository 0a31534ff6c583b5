internal import TokencertPlatform

extension Failure {
    /// The same failure with the variable or the file that sets an invalid value, if the command line does
    /// not set it. The message of an invalid value begins with its option.
    ///
    /// - Parameter arguments: The arguments of the command.
    func namingOrigin(inArguments arguments: [String]) -> Failure {
        let name = message.dropFirst(2).prefix { $0.isLetter || $0 == "-" }
        guard status == .usage, message.hasPrefix("--"),
            let setting = Setting(rawValue: String(name)),
            !arguments.contains(where: { $0 == "--\(name)" || $0.hasPrefix("--\(name)=") })
        else { return self }
        let origin: String
        let isInFile: Bool
        if EnvironmentSettings.current.content(setting) != nil {
            (origin, isInFile) = (setting.variable, false)
        } else if let value = ConfigurationFile.current.value(setting) {
            let profile = value.profile.map { " in the profile \"\($0)\"" } ?? ""
            (origin, isInFile) = (
                "\"\(name)\"\(profile) of \(ConfigurationFile.current.path)", true
            )
        } else {
            return self
        }
        return Failure(
            status, code: code, "\(message) (set by \(origin))",
            hints: hints + [
                isInFile
                    ? "to see all settings and where they are set: tokencert config"
                    : "to see what is set in the environment: tokencert config"
            ], attachment: attachment)
    }
}
